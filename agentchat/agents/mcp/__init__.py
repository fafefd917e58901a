"""Tools of MCP servers: programs on this machine or addresses that offer tools to any client."""

from agentchat.agents.mcp.servers import McpServer, load_servers
from agentchat.agents.mcp.tools import McpState, McpTools
from agentchat.agents.mcp.unavailable import McpUnavailable

__all__ = ["McpServer", "McpState", "McpTools", "McpUnavailable", "load_servers"]
