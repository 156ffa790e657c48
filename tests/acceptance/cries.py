"""Cries for help as people type them: every entry is immediate danger and must open a T1 case wherever it is said.

An entry is one message, or two sent within 90 seconds of each other that only together say it.
"""

#: Formal, colloquial, misspelt, Finglish, Arabic letters, no half-space, spaced out, with emoji.
CRIES: tuple[str, ...] = (
    "همسرم اکنون مرا کتک می‌زند",
    "شوهرم داره منو می‌زنه",
    "شوهرم داره منو میزنه کمک",
    "شوهرم داره کتکم میزنه",
    "شوهرم الان داره منو ميزنه",
    "شوهرم داره كتكم ميزنه",
    "شوهرم با چاقو اومده سراغم",
    "چاقو گذاشته زیر گلوم",
    "چاقو گزاشته زیر گلوم",
    "می‌خواد منو بکشه الان پشت دره",
    "ميخواد منو بكشه",
    "داره خفم می‌کنه",
    "داره خفه‌ام میکنه",
    "الان دارم خودمو می‌کشم",
    "الان دارم خودمو ميكشم",
    "همین الان می‌خوام خودمو بکشم",
    "همین الان میخام خودمو بکشم",
    "قرص خوردم که بمیرم",
    "قرص خوردم بمیرم دیگه",
    "رگ دستمو زدم",
    "رگمو زدم خون میاد",
    "shoharam dare mano mizane",
    "shoharam dare mano mizaneh komak",
    "alan mikham khodamo bokosham",
    "ghors khordam ke bemiram",
    "ba chaghoo oomade soragham",
    "ragamo zadam",
    "شوهرم داره منو می‌زنه 😭😭😭",
    "😭 قرص خوردم بمیرم 💔",
    "شوهرم   داره   منو   می زنه",
    "شوهرم داره منو می زنه!!!! کمکککک",
    "بابام داره مامانمو می‌زنه",
    "بابام الان داره مامانمو با کمربند میزنه",
    "زندانیم کرده و داره می‌زنتم",
    "داره در رو می‌شکنه بیاد تو منو بکشه",
    "تفنگ گرفته طرفم",
    "الان روی پل وایسادم می‌خوام بپرم",
    "بچمو داره کتک می‌زنه همین الان",
    "داره بهم تجاوز می‌کنه",
    "اینجانب همین لحظه مورد ضرب و شتم همسرم هستم",
)

#: Two messages within 90 seconds that only together are a cry.
SPLIT: tuple[tuple[str, str], ...] = (
    ("شوهرم داره منو", "می‌زنه"),
    ("همین الان می‌خوام", "خودمو بکشم"),
    ("چاقو گذاشته", "زیر گلوم"),
    ("قرص خوردم", "که بمیرم"),
)
