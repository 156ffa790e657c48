"""Every rule the loader and the checks may report: severity, and what is wrong and how to mend it in both languages.

E blocks publishing (a draft is always saved), W needs a named person's tick, N is shown. Source: flow-language §7;
docs/flow-language.md carries this table and a test keeps it current.
"""

from typing import Literal, NamedTuple


class Rule(NamedTuple):
    """One kind of problem. The words may hold {names} that bot.engine.issues.issue fills."""

    severity: Literal["E", "W", "N"]
    what_fa: str
    what_en: str
    mend_fa: str
    mend_en: str


CATALOGUE: dict[str, Rule] = {
    # -- the file
    "yaml_broken": Rule("E", "فایل خوانده نشد، سطر {line}، ستون {col}: {why_fa}", "the file cannot be read, line {line}, column {col}: {why_en}", "تورفتگی را ببینید و متن را در گیومهٔ لاتین بگذارید", "check the indent, quote the text"),
    "duplicate_key": Rule("E", "کلید {name} دو بار آمده", "key {name} is here twice", "یکی را نگه دارید", "keep one"),
    "forbidden_yaml": Rule("E", "{name} اینجا جایی ندارد", "{name} has no place here", "همان را کامل بنویسید", "write it out"),
    "unknown_key": Rule("E", "{name} شناخته نیست؛ منظورتان {nearest} بود؟", "{name} is not a key here; did you mean {nearest}?", "کلید را درست کنید یا بردارید", "mend or remove the key"),
    "missing_key": Rule("E", "{name} نوشته نشده", "{name} is missing", "{name} را بنویسید", "write {name}"),
    "bad_value": Rule("E", "مقدار {name} درست نیست: {value}", "the value of {name} is wrong: {value}", "{expected}", "{expected}"),
    "which_step": Rule("E", "این گام دو کار می‌کند یا هیچ: {found}", "this step does two things or none: {found}", "هر گام یک کار؛ جدا کنید", "one kind a step: split it"),
    "which_type": Rule("E", "نوع پاسخ پرسش {name} معلوم نیست", "the answer type of {name} is not clear", "یک نوع بنویسید: choice، yes_no، multi، …", "write exactly one of choice, yes_no, multi, …"),
    "too_large": Rule("E", "از اندازه گذشت: {name} ({size}؛ حد {most})", "too large: {name} ({size}, limit {most})", "سناریو را دو تا کنید", "split the flow"),
    "comment_in_text": Rule("W", "# متن را بریده است", "a # has cut the text", "متن را در گیومهٔ لاتین بگذارید", "quote the text"),
    # -- names
    "bad_id": Rule("E", "شناسهٔ {name} درست نیست؛ شناسه با حرف کوچک لاتین است", "{name} is no valid id", "حرف‌های a تا z، رقم و _ و نه واژه‌های شرط", "a-z, 0-9 and _, first a letter, no word of the conditions"),
    "duplicate_id": Rule("E", "شناسهٔ {name} دو بار آمده", "id {name} is here twice", "نام تازه را عوض کنید", "rename the new one"),
    "renamed_id": Rule("W", "{name} ناپدید شد و {count} نفر در آن‌اند", "{name} is gone and {count} people wait there", "migrate بنویسید", "add migrate"),
    "names_too_long": Rule("E", "نام‌های {name} برای دکمهٔ تلگرام بلند است ({size} بایت؛ حد {most})", "the names of {name} do not fit a Telegram button ({size} bytes, limit {most})", "شناسهٔ سناریو، گام یا گزینه را کوتاه کنید", "shorten the id of the flow, step or option"),
    "unknown_target": Rule("E", "گام {name} نیست؛ نزدیک‌ترین: {nearest}", "there is no step {name}; the nearest is {nearest}", "شناسه را درست کنید", "mend the id"),
    "unknown_flow": Rule("E", "سناریوی {name} نیست؛ نزدیک‌ترین: {nearest}", "there is no flow {name}; the nearest is {nearest}", "نام را ببینید", "check the name"),
    "unknown_instrument": Rule("E", "ابزار {name} پیدا نشد؛ نزدیک‌ترین: {nearest}", "instrument {name} was not found; the nearest is {nearest}", "فهرست ابزارها را ببینید", "check the list of instruments"),
    "unknown_card": Rule("E", "کارت {name} پیدا نشد؛ نزدیک‌ترین: {nearest}", "card {name} was not found; the nearest is {nearest}", "فهرست کارت‌ها را ببینید", "check the list of cards"),
    "unknown_directory": Rule("E", "نوع مرکز {name} پیدا نشد؛ نزدیک‌ترین: {nearest}", "directory type {name} was not found; the nearest is {nearest}", "فهرست مرکزها را ببینید", "check the list of directory types"),
    "unknown_kind": Rule("E", "کد {name} از کدهای خطر نیست؛ نزدیک‌ترین: {nearest}", "{name} is no kind; the nearest is {nearest}", "کد را درست کنید", "mend the code"),
    "unknown_placeholder": Rule("E", "{name} جای‌نگهدار نیست؛ نزدیک‌ترین: {nearest}", "{name} is no placeholder; the nearest is {nearest}", "نام را درست کنید", "mend the name"),
    "always_incomplete": Rule("E", "سناریوی always گام {name} ({kind}) را ندارد", "flow always lacks the step {name} ({kind})", "آن گام را بنویسید", "write that step"),
    # -- shape
    "recursion": Rule("E", "سناریو خودش را صدا می‌زند: {name}", "the flow calls itself: {name}", "به جای call از go کمک بگیرید", "use go"),
    "calls_too_deep": Rule("E", "بیش از ۴ سناریوی تودرتو: {name}", "calls are more than 4 deep: {name}", "سناریوها را سرراست کنید", "flatten the flows"),
    "falls_off": Rule("E", "پس از {name} هیچ گامی نیست", "nothing comes after {name}", "end یا go بنویسید", "add end or go"),
    # -- conditions
    "condition_unreadable": Rule("E", "شرط خوانده نشد، ستون {col}: {why_fa}", "the condition cannot be read, column {col}: {why_en}", "{mend}", "{mend_en}"),
    "mixed_and_or": Rule("E", "and و or با هم آمده، ستون {col}", "and is mixed with or, column {col}", "پرانتز بگذارید", "add brackets"),
    "unknown_name": Rule("E", "{name} نام هیچ پاسخی نیست؛ نزدیک‌ترین: {nearest}", "{name} names no answer; the nearest is {nearest}", "نام گام یا واقعیت را درست کنید", "mend the name"),
    "not_in_domain": Rule("E", "{value} از پاسخ‌های {name} نیست. پاسخ‌ها: {keys}", "{value} is no answer of {name}. Answers: {keys}", "یکی از پاسخ‌ها را بنویسید", "write one of the answers"),
    "wrong_type": Rule("E", "{name} {is_fa}", "{name} {is_en}", "{mend}", "{mend_en}"),
    # -- exploration
    "read_before_write": Rule("E", "{name} پیش از پرسیدن خوانده می‌شود", "{name} is read before it is asked", "زودتر بپرسید یا known() بنویسید", "ask earlier or write known()"),
    "always_true": Rule("W", "این شرط همیشه درست است: {name}", "this condition is always true: {name}", "شرط را بردارید", "remove the condition"),
    "always_false": Rule("W", "این شرط هیچ‌وقت درست نیست: {name}", "this condition is never true: {name}", "شرط یا گام را بردارید", "remove the condition or the step"),
    "unreachable_step": Rule("E", "کسی به {name} نمی‌رسد", "nobody reaches {name}", "راهی بسازید یا گام را بردارید", "link it or delete it"),
    "no_silence": Rule("E", "اگر به {name} پاسخ ندهد؟", "and if nobody answers {name}?", "silence بنویسید", "add silence"),
    "no_silence_block": Rule("E", "اگر پاسخ ندهد؟ سناریو بلوک silence ندارد و {count} پرسش بی‌پاسخ می‌ماند: {name}", "and if nobody answers? the flow has no silence block and {count} questions lack it: {name}", "بالای سناریو بنویسید: silence: {{after: 10m, then: settle}}", "write at the top: silence: {{after: 10m, then: settle}}"),
    "silence_circle": Rule("E", "بات با خودش حرف می‌زند: {name}", "the bot talks to itself: {name}", "در سکوت، آرام بگیرد: pause یا settle", "let silence rest: pause or settle"),
    "loop_without_wait": Rule("E", "دور بی‌پرسش: {name}", "a loop without a wait: {name}", "یک پرسش در دور بگذارید", "put an ask in the loop"),
    "turn_too_long": Rule("E", "یک نوبت {size} {unit} دارد؛ حد {most}: {name}", "one turn has {size} {unit_en}, limit {most}: {name}", "پیام‌ها را یکی کنید یا میانشان بپرسید", "join the messages or ask in between"),
    "dead_end": Rule("E", "از {name} راهی به پایان یا انسان نیست", "no way leads from {name} to an end or a person", "go بنویسید", "add go"),
    "danger_not_escalated": Rule("E", "پاسخ خطر در {name} در همان نوبت به انسان نمی‌رسد", "a danger answer at {name} does not reach a person in the same turn", "go را به یک escalate با T1 ببرید", "go to an escalate of T1"),
    "debt_at_end": Rule("E", "گفت‌وگو در {name} با خطرِ بی‌پاسخ تمام می‌شود", "the conversation ends at {name} with unpaid danger", "پیش از آن escalate بنویسید", "escalate first"),
    "debt_too_long": Rule("E", "تا خبر انسان بیش از ۱۲ پرسش مانده: {name}", "more than 12 answers until a person hears: {name}", "اول escalate، بعد پرسش‌های دیگر", "pay first, ask afterwards"),
    "tier_too_weak": Rule("E", "سطح فراخوان {name} کمتر از خطر است", "escalate {name} is weaker than the danger", "tier را بالا ببرید", "raise the tier"),
    "escalate_incomplete": Rule("E", "{name}: T1 بی {missing}", "{name}: T1 without {missing}", "آن را بنویسید", "write it"),
    "low_unanswered": Rule("W", "خطر T3 در {name} بی‌پرونده تمام می‌شود", "a T3 risk ends at {name} without a case", "escalate با T3 بنویسید", "escalate T3"),
    "no_number_at_end": Rule("E", "تا {name}، 123 یا 110 را نشان نداده‌اید", "neither 123 nor 110 was shown before {name}", "شماره را در متن بیاورید، در discreet هم", "put the number in the text, in discreet too"),
    "person_out_of_reach": Rule("E", "در {name} راهی به انسان نیست: {why}", "no way to a person at {name}: {why}", "دستگیره را برگردانید", "restore the handler"),
    "skip_not_counted": Rule("E", "در {name} نگفتن را نه شمرده‌اید", "{name} takes a refusal for a no", "skip با danger: high بنویسید", "add a skip with danger: high"),
    "once_acts": Rule("E", "«once: {word}» در {name} با پرسش‌های هم‌نامش یکی نیست، یا کاری به پاسخش بسته است", "once: {word} at {name} differs from the other questions of this name, or something hangs on its answer", "پاسخ‌ها را یکی کنید و برچسب و go را بردارید", "give all of them the same answers, without tags or go"),
    "untagged_danger": Rule("E", "{name} برچسب خطر ندارد: {why}", "{name} has no danger tag: {why}", "danger بنویسید یا در یادداشت: «خبر خطر نیست»", "tag it, or let the reviewer's note say «خبر خطر نیست»"),
    "missing_reviewer": Rule("E", "دو امضا لازم است", "two persons must sign", "دو نقش در reviewers بنویسید", "name two roles under reviewers"),
    "no_consent": Rule("E", "پیش از اجازه نپرسید: {name}", "no consent before {name}", "consent و when بنویسید", "add consent and when"),
    "unsafe_contact": Rule("E", "راه امن معلوم نیست: {name}", "no safe way is known at {name}", "when: contact.safe == set بنویسید", "add when: contact.safe == set"),
    "joint_after_violence": Rule("E", "پس از خشونت، گفت‌وگوی دونفره نه: {name}", "no couple card after violence: {name}", "کارت را بردارید یا when بنویسید", "remove the card or guard it"),
    "property_broken": Rule("E", "ادعای {name} درست نیست", "property {name} does not hold", "سناریو یا ادعا را درست کنید", "mend the flow or the claim"),
    # -- options and instruments
    "zero_taken": Rule("E", "صفر راه خروج است: {name}", "zero is the way out: {name}", "none را بنویسید", "use none"),
    "word_taken": Rule("E", "{word} فرمان همیشگی است: {name}", "{word} is a word of a handler: {name}", "گزینه را جور دیگری بنویسید", "reword the option"),
    "same_answer": Rule("E", "در {name} دو گزینه یکی خوانده می‌شوند: {word}", "two options of {name} read alike: {word}", "یکی را عوض کنید", "change one"),
    "too_many_options": Rule("W", "بیش از ۴ گزینه: {name}", "more than 4 options: {name}", "پرسش را دو تا کنید", "split the question"),
    "bands_gap": Rule("E", "جمع {points} در هیچ بازه‌ای نیست: {name}", "the sum {points} is in no band: {name}", "هر جمع در یک بازه", "cover each sum once"),
    "bands_overlap": Rule("E", "جمع {points} در دو بازه است: {name}", "the sum {points} is in two bands: {name}", "هر جمع در یک بازه", "cover each sum once"),
    "skip_unscored": Rule("E", "امتیاز نگفتن معلوم نیست: {name}", "the points of a refusal are missing: {name}", "skip را با points بنویسید", "add skip with points"),
    # -- texts
    "missing_text": Rule("E", "متن {name} به زبان {language} نیست", "the text of {name} is missing in {language}", "ترجمه کنید", "translate"),
    "too_long": Rule("E", "{name}: {size} نویسه؛ حد {most}", "{name}: {size} characters, limit {most}", "کوتاه کنید یا sms بنویسید", "shorten, or write sms"),
    "discloses": Rule("E", "پیش‌نمایش {name} رازدار نیست: {word}", "the preview of {name} discloses: {word}", "واژهٔ خنثی بنویسید", "use neutral words"),
    "no_discreet": Rule("W", "{count} متن صورت پنهان ندارد و در حالت پنهان نشان داده نمی‌شود: {name}", "{count} texts have no discreet form and are not shown while covert: {name}", "discreet بنویسید", "write discreet"),
    "discreet_numbers": Rule("W", "صورت پنهان {name} نمی‌گوید {word} یعنی چه", "the discreet form of {name} does not say what {word} means", "برای هر عدد یک واژه بنویسید؛ مثلاً «3 رد»", "give each number a word, such as «3 رد»"),
    "echo": Rule("E", "حرف خودش را بازنگویید: {name}", "her own words in a text: {name}", "جای‌نگهدار را بردارید", "remove the placeholder"),
    "blame_word": Rule("W", "{word} سرزنش است: {name}", "{word} blames: {name}", "نرم‌تر بنویسید: {better}", "soften: {better}"),
    "stigma_word": Rule("W", "{word} انگ است: {name}", "{word} stigmatises: {name}", "بنویسید: {better}", "write: {better}"),
    "gender_guess": Rule("W", "{word} جنسیت را حدس می‌زند: {name}", "{word} guesses gender: {name}", "بنویسید: {better}", "write: {better}"),
    "hard_reading": Rule("N", "جملهٔ {name} بلند است ({size} واژه)", "a sentence of {name} is long ({size} words)", "دو جمله کنید", "make two sentences"),
    "mixed_script": Rule("N", "حرف عربی {word} در {name}", "the Arabic letter {word} in {name}", "ی و ک فارسی بنویسید", "use Persian letters"),
    # -- cards, lines, tests, size
    "old_card": Rule("E", "بازبینی کارت {name} گذشته یا تاریخ ندارد", "the review of card {name} has expired or has no date", "بازبینی کنید", "review it"),
    "draft_card": Rule("W", "کارت {name} هنوز بازبینی نشده", "card {name} is still a draft", "از متخصص بازبینی بگیرید", "have it reviewed"),
    "old_line": Rule("W", "بازبینی خط {name} گذشته یا تاریخ ندارد", "the check of line {name} has expired or has no date", "شماره را وارسی کنید", "verify the number"),
    "to_fill": Rule("W", "{name} هنوز پر نشده: {blank}", "{name} is not filled in yet: {blank}", "به جای «… {blank}» خودش را بنویسید", "write it instead of «… {blank}»"),
    "no_sources": Rule("W", "{name} منبعی نام نبرده است", "{name} names no source", "sources بنویسید: نام و سال، یا نشانی", "list them under sources: title and year, or address"),
    "no_test": Rule("W", "{name} آزمون ندارد", "{name} has no test", "یک گفت‌وگو ضبط کنید", "record one"),
    "test_failed": Rule("E", "آزمون «{name}» نگذشت. نوشته است {expected} ولی آمد: «{met}»", "test {name}: it waited for {expected}; it met: {met}", "اگر عمداً عوض کرده‌اید، آزمون را هم عوض کنید؛ وگرنه تغییر را برگردانید", "if it was meant to change, change the test too; else take the change back"),
    "too_many_states": Rule("E", "بیش از حد بزرگ؛ پرهزینه‌ها: {name}", "too many states; the costly answers: {name}", "شرطِ دور را بردارید یا زودتر score بگیرید", "drop a late read, or score earlier"),
    "migration_unfit": Rule("E", "پاسخ‌های {name} و {other} جور نیست", "the answers of {name} and {other} do not agree", "به human ببرید", "map it to human"),
}  # fmt: skip


def as_markdown() -> str:
    """Give the catalogue as the table of docs/flow-language.md (panah flows check speaks the same words)."""
    rows = ["| rule | | what is wrong | how to mend | به فارسی |", "|---|---|---|---|---|"]
    for name, rule in CATALOGUE.items():
        cells = (f"`{name}`", rule.severity, rule.what_en, rule.mend_en, rule.what_fa)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
