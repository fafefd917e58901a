"""A labelled set: what a person told, and questions that each have one right memory.

Made of lists and templates, the same each time. Questions are put in other words than the
memories, but for the names and numbers that they ask about.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, the place of the right memory, and what kind of question it is."""

    text: str
    right: int
    group: str


_PEOPLE = (
    ("sister", "Anna", "Lisbon", "nurse", "peanuts", "cello"),
    ("brother", "Marek", "Gdansk", "carpenter", "shellfish", "chess"),
    ("landlord", "Mr. Okafor", "Leeds", "accountant", "gluten", "golf"),
    ("dentist", "Dr. Lindqvist", "Uppsala", "dental surgeon", "penicillin", "sailing"),
    ("neighbour", "Yusuf", "Izmir", "bus driver", "milk", "beekeeping"),
    ("manager", "Priya", "Pune", "engineering director", "soy", "marathon running"),
    ("cousin", "Tomoko", "Osaka", "pastry cook", "eggs", "calligraphy"),
    ("grandmother", "Elsie", "Cardiff", "retired teacher", "strawberries", "knitting"),
    ("flatmate", "Diego", "Valparaiso", "graphic designer", "walnuts", "surfing"),
    ("lawyer", "Ms. Haddad", "Beirut", "attorney", "sesame", "painting"),
    ("uncle", "Henrik", "Aarhus", "fisherman", "cats", "woodcarving"),
    ("niece", "Zoë", "Ghent", "student of physics", "wasps", "fencing"),
    ("trainer", "Kwame", "Accra", "physiotherapist", "latex", "drumming"),
    ("accountant", "Ingrid", "Bergen", "tax adviser", "pollen", "skiing"),
    ("best friend", "Luca", "Turin", "pilot", "kiwi fruit", "astronomy"),
    ("mother-in-law", "Carmen", "Seville", "pharmacist", "tomatoes", "flamenco"),
)
_ABOUT_PEOPLE = (
    ("{name}, my {who}, moved to {city} last spring.", "In which town does {name} live now?"),
    ("My {who} {name} works as a {job}.", "What does my {who} do for a living?"),
    ("{name} (my {who}) gets a bad reaction from {food}.", "What is my {who} allergic to?"),
    ("On weekends my {who} {name} is busy with {hobby}.", "What is the hobby of {name}?"),
)
_PROJECTS = (
    ("Heron", "14 May", "80,000 euros", "Rust", "Sofia", "Stuttgart"),
    ("Basalt", "2 June", "12,500 euros", "Go", "Emeka", "Toulouse"),
    ("Juniper", "30 September", "1.2 million dollars", "Kotlin", "Mei", "Denver"),
    ("Lantern", "7 November", "45,000 pounds", "Python", "Oskar", "Bristol"),
    ("Quartz", "21 January", "300,000 francs", "Elixir", "Beatrice", "Basel"),
    ("Saffron", "9 August", "64,000 euros", "TypeScript", "Rohan", "Utrecht"),
    ("Tundra", "18 March", "950,000 kroner", "Swift", "Astrid", "Tromso"),
    ("Velvet", "28 February", "7,000 euros", "PHP", "Giulia", "Milan"),
    ("Willow", "1 December", "220,000 dollars", "Java", "Hassan", "Austin"),
    ("Zephyr", "16 July", "33,000 euros", "Haskell", "Noor", "Delft"),
    ("Cobalt", "5 April", "510,000 euros", "Scala", "Viktor", "Vienna"),
    ("Mistral", "23 October", "18,000 pounds", "Ruby", "Chloe", "Lyon"),
)
_ABOUT_PROJECTS = (
    ("{name} has to ship by {date}.", "What is the deadline of the project {name}?"),
    ("We may spend {money} on {name}, no more.", "How large is the budget for {name}?"),
    ("The {name} backend is being written in {code}.", "Which language is {name} built with?"),
    ("{lead} took over {name} from the consultants.", "Who is in charge of {name}?"),
    ("The {name} team sits in {city}.", "Where is the office of the people who do {name}?"),
)
_FATES = (
    "was refunded because the parcel came broken",
    "is waiting for a signature from the customer",
    "was closed as a duplicate",
    "went to the wrong address and came back",
    "needs a second approval before it can be paid",
    "was escalated to the vendor",
    "is on hold until the audit is over",
    "was delivered two days early",
)
_PREFIXES = ("ORD", "INC", "PR", "CASE")
_SELF = (
    ("I get migraines from red wine.", "Which drink should I stay away from?"),
    ("I never schedule anything before ten in the morning.", "How early can we meet me?"),
    ("I cycle to work whenever it does not rain.", "How do I commute?"),
    ("Call me Sam, nobody uses Samantha.", "What is my nickname?"),
    ("I have been a vegetarian since college.", "Can I eat a steak?"),
    ("My flat is on the fourth floor without a lift.", "Do I have to climb stairs at home?"),
    ("I prefer short answers with bullet points.", "How should replies to me be formatted?"),
    ("I gave up smoking in 2019.", "Do I use cigarettes?"),
    ("My laptop runs Debian and I like the terminal.", "Which operating system do I use?"),
    ("We are expecting our second child in autumn.", "Is my family going to grow?"),
    ("I was born in a village near Lake Como.", "Where did I grow up?"),
    ("I am saving up for a sabbatical in New Zealand.", "Which long trip am I planning?"),
    ("Thunderstorms scare our dog terribly.", "What is our pet afraid of?"),
    ("I read science fiction before I fall asleep.", "Which books do I enjoy at night?"),
    ("I sold the car and joined a sharing scheme.", "Do I own a vehicle?"),
    ("My knee was operated on after the ski accident.", "Have I ever had surgery?"),
    ("I teach Sunday classes at the climbing hall.", "What do I do as a volunteer instructor?"),
    ("The heating in my study has been broken since Monday.", "Why is it cold where I work?"),
    ("I speak Catalan with my grandparents.", "Which languages do I know?"),
    ("I drink my coffee black.", "Do I take sugar or milk?"),
    ("Our wedding anniversary is on the longest day of the year.", "When did we get married?"),
    ("I want to switch careers and become a gardener.", "Which profession do I dream of?"),
    ("My passport runs out in eleven months.", "When must I renew my travel documents?"),
    ("I play the organ at St. Mary's.", "Do I make music anywhere?"),
)
STRANGE = (
    "What is the boiling point of mercury?",
    "Who won the world cup in 1954?",
    "Write a haiku about volcanoes.",
    "How do I reverse a linked list?",
    "Translate 'good evening' into Japanese.",
    "What causes the northern lights?",
    "Explain the difference between a stack and a queue.",
    "asdf qwer zxcv",
    "🙂🙂🙂",
    "How many moons does Saturn have?",
    "Prove that the square root of two is irrational.",
    "Convert 12 miles to kilometres.",
)
"""Questions that nothing remembered has to do with."""


def labelled() -> tuple[list[str], list[Question]]:
    """The memories, and the questions to them."""
    memories: list[str] = []
    questions: list[Question] = []

    def add(told: str, asked: str, group: str, **names: str) -> None:
        questions.append(Question(asked.format(**names), len(memories), group))
        memories.append(told.format(**names))

    for who, name, city, job, food, hobby in _PEOPLE:
        for told, asked in _ABOUT_PEOPLE:
            add(
                told,
                asked,
                "people",
                who=who,
                name=name,
                city=city,
                job=job,
                food=food,
                hobby=hobby,
            )
    for name, date, money, code, lead, city in _PROJECTS:
        for told, asked in _ABOUT_PROJECTS:
            add(
                told,
                asked,
                "projects",
                name=name,
                date=date,
                money=money,
                code=code,
                lead=lead,
                city=city,
            )
    for number in range(80):
        key = f"{_PREFIXES[number % len(_PREFIXES)]}-{4400 + 37 * number % 1000}"
        told = f"{key} {_FATES[number % len(_FATES)]}."
        add(told, f"What happened to {key}?", "ids")
    for told, asked in _SELF:
        add(told, asked, "oneself")
    return memories, questions
