"""What people say who need a tool."""

from __future__ import annotations

from collections.abc import Mapping

WEB = r"\b(search|look|find|check|google)\b.{0,60}\b(web|internet|online)\b"
PYTHON = r"\b(run|execute|use|using|with|in|some)\b.{0,20}\bpython\b|\bstandard deviation\b"

PHRASES: Mapping[str, tuple[str, ...]] = {
    "calculate": (
        "What is 12 * 14?",
        "How much is 15% of 80?",
        "Calculate 3.5 divided by 7",
        "What is the square root of 144?",
        "Add 12.50 and 7.99",
        "What is 3 plus 4 times 5?",
    ),
    "current_time": (
        "What time is it?",
        "What is the date today?",
        "Which day of the week is it?",
        "What time is it in Tokyo now?",
    ),
    "days_between": (
        "How many days until Christmas?",
        "How long is it from March 3 to June 10?",
        "How many days are between two dates?",
    ),
    "add_to_date": (
        "What date is it in three weeks?",
        "Which day is 90 days from today?",
        "What is the date 45 days after March 1?",
    ),
    "search_messages": (
        "What did we talk about last week?",
        "What did I say about my sister?",
        "Find the message in which I mentioned the budget",
        "Did I tell you this before?",
    ),
    "list_follow_ups": (
        "What are my reminders?",
        "What have I scheduled?",
        "Which follow-ups are open?",
    ),
    "recall": ("What do you remember about me?", "What do you know about me?"),
    "web_search": (
        "Search the web for this",
        "Search the web for hiking boots",
        "What is the latest news?",
        "Look this up online",
        "What is the price of gold today?",
    ),
    "fetch_page": (
        "Read this page: https://example.com",
        "What does https://example.com say?",
        "Summarise this website",
    ),
    "run_python": (
        "Run this Python code",
        "Write a program and run it",
        "Calculate the standard deviation of these numbers",
        "Simulate rolling dice a thousand times",
    ),
    "read_notes": ("What did you write down?", "Read your notes"),
}
"""What people say who need a tool: the built-in model is offered it only then."""

CUES: Mapping[str, str] = {
    "calculate": r"\d\s*([-+*/×÷^]|\*\*)\s*\d|\d\s*%",  # noqa: RUF001
    "web_search": WEB,
    "fetch_page": r"\bhttps?://",
    "run_python": PYTHON,
}
"""What says outright that a tool is needed."""
