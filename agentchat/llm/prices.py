"""What a call of a model costs, from the maintained table of genai-prices."""

from __future__ import annotations

from agentchat.llm.base import Usage


def cost_of(model_id: str, usage: Usage) -> float | None:
    """US dollars for the tokens of a call to ``provider:name``; None where nobody knows.

    The embedded model costs nothing, since it runs here. Nobody knows what a server takes that
    is merely compatible, even if it calls its model by a name that is in the table.
    """
    provider, _, name = model_id.partition(":")
    if provider == "local":
        return 0.0
    if provider not in ("anthropic", "openai"):
        return None
    # Imported here: it brings its whole table.
    from genai_prices import Usage as Priced
    from genai_prices import calc_price

    cached = min(usage.cached_tokens, usage.input_tokens)
    priced = Priced(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=cached,
        cache_write_tokens=min(usage.cache_written_tokens, usage.input_tokens - cached),
    )
    try:
        return float(calc_price(priced, name, provider_id=provider).total_price)
    except LookupError:
        return None
