"""What the outside may do: the verbs of :class:`~agentchat.chat.AgentChat`, by what they are on."""
