"""The 31 provinces: ISO 3166-2 code, names, neighbours for overflow, and how people name their place.

Neighbours are symmetric (tested). A place is found by the province's name, its Latin name or a well-known city.
Source: domain.md §6.6 (ISO 3166-2:IR = Statistical Centre codes).
"""

from dataclasses import dataclass

from bot.core.text import close, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """One province; `cities` are well-known places in it, the capital first."""

    code: str
    name: str
    english: str
    neighbours: tuple[str, ...]
    cities: tuple[str, ...]


# code | Persian | English | neighbours | cities, capital first; Latin spellings as people type them
_TABLE = """
00|مرکزی|Markazi|10 13 15 23 25 26 30|اراک ساوه خمین محلات دلیجان شازند تفرش arak saveh
01|گیلان|Gilan|02 19 24 26|رشت لاهیجان انزلی بندر‌انزلی لنگرود آستارا تالش فومن رودسر صومعه‌سرا rasht anzali
02|مازندران|Mazandaran|01 20 23 26 27 30|ساری بابل آمل قائم‌شهر نوشهر چالوس تنکابن رامسر بابلسر بهشهر نکا محمودآباد sari babol amol
03|آذربایجان شرقی|East Azerbaijan|04 19 24|تبریز مراغه مرند اهر میانه سراب بناب tabriz maragheh
04|آذربایجان غربی|West Azerbaijan|03 12 19|ارومیه خوی مهاباد بوکان میاندوآب سلماس پیرانشهر نقده سردشت ماکو urmia orumieh oroomieh
05|کرمانشاه|Kermanshah|12 13 15 16|کرمانشاه اسلام‌آباد‌غرب کنگاور سنقر هرسین پاوه جوانرود سرپل‌ذهاب قصر‌شیرین
06|خوزستان|Khuzestan|14 15 16 17 18|اهواز آبادان خرمشهر دزفول ماهشهر اندیمشک بهبهان شوش شوشتر ایذه مسجد‌سلیمان شادگان ahvaz ahwaz abadan dezful
07|فارس|Fars|08 10 17 18 21 22|شیراز مرودشت جهرم فسا کازرون لار داراب نیریز آباده فیروزآباد shiraz
08|کرمان|Kerman|07 11 21 22 29|کرمان رفسنجان سیرجان جیرفت بم زرند کهنوج rafsanjan sirjan
09|خراسان رضوی|Razavi Khorasan|20 28 29|مشهد نیشابور سبزوار تربت‌حیدریه قوچان کاشمر تربت‌جام تایباد گناباد چناران mashhad mashad neyshabur
10|اصفهان|Isfahan|00 07 14 15 17 20 21 25 29|اصفهان کاشان نجف‌آباد خمینی‌شهر شاهین‌شهر فولادشهر شهرضا مبارکه گلپایگان esfahan isfahan kashan
11|سیستان و بلوچستان|Sistan and Baluchestan|08 22 29|زاهدان زابل چابهار ایرانشهر سراوان خاش کنارک نیکشهر zahedan zabol chabahar
12|کردستان|Kurdistan|04 05 13 19|سنندج سقز مریوان بانه قروه بیجار کامیاران دیواندره sanandaj saqez kordestan
13|همدان|Hamadan|00 05 12 15 19 26|همدان ملایر نهاوند تویسرکان اسدآباد hamedan malayer
14|چهارمحال و بختیاری|Chaharmahal and Bakhtiari|06 10 17|شهر‌کرد بروجن فارسان لردگان shahrekord
15|لرستان|Lorestan|00 05 06 10 13 16|خرم‌آباد بروجرد دورود الیگودرز کوهدشت ازنا khorramabad khoramabad borujerd
16|ایلام|Ilam|05 06 15|ایلام دهلران ایوان آبدانان مهران دره‌شهر
17|کهگیلویه و بویراحمد|Kohgiluyeh and Boyer-Ahmad|06 07 10 14 18|یاسوج گچساران دوگنبدان دهدشت yasuj yasouj
18|بوشهر|Bushehr|06 07 17 22|بوشهر برازجان گناوه کنگان دیلم عسلویه جم booshehr
19|زنجان|Zanjan|01 03 04 12 13 24 26|زنجان ابهر خرمدره قیدار
20|سمنان|Semnan|02 09 10 23 25 27 28 29|سمنان شاهرود دامغان گرمسار shahrud
21|یزد|Yazd|07 08 10 29|یزد میبد اردکان بافق تفت ابرکوه
22|هرمزگان|Hormozgan|07 08 11 18|بندر‌عباس میناب قشم بندر‌لنگه کیش رودان جاسک حاجی‌آباد bandarabbas bandar minab qeshm
23|تهران|Tehran|00 02 20 25 30|تهران ری شهر‌ری اسلام‌شهر شهریار ورامین پاکدشت قرچک رباط‌کریم دماوند پردیس ملارد قدس فیروزکوه تهرون teheran
24|اردبیل|Ardabil|01 03 19|اردبیل مشگین‌شهر پارس‌آباد خلخال مغان گرمی ardebil
25|قم|Qom|00 10 20 23|قم ghom
26|قزوین|Qazvin|00 01 02 13 19 30|قزوین تاکستان الوند آبیک ghazvin
27|گلستان|Golestan|02 20 28|گرگان گنبد گنبد‌کاووس علی‌آباد آق‌قلا کردکوی مینودشت بندر‌ترکمن gorgan gonbad
28|خراسان شمالی|North Khorasan|09 20 27|بجنورد شیروان اسفراین آشخانه bojnurd bojnord
29|خراسان جنوبی|South Khorasan|08 09 10 11 20 21|بیرجند قائن طبس فردوس نهبندان birjand
30|البرز|Alborz|00 02 23 26|کرج فردیس نظرآباد هشتگرد محمدشهر گرمدره karaj
"""


def _read(line: str) -> Province:
    code, name, english, neighbours, cities = line.split("|")
    return Province(
        code=f"IR-{code}",
        name=name,
        english=english,
        neighbours=tuple(f"IR-{one}" for one in neighbours.split()),
        cities=tuple(cities.split()),
    )


#: By code, «IR-23» is Tehran.
PROVINCES: dict[str, Province] = {one.code: one for one in map(_read, _TABLE.strip().splitlines())}

#: Other ways people name a province.
_ALSO = {
    "خراسان": "IR-09", "سیستان": "IR-11", "بلوچستان": "IR-11", "آذربایجان": "IR-03", "چهارمحال": "IR-14",
    "کهگیلویه": "IR-17", "بویراحمد": "IR-17", "کهکیلویه": "IR-17", "شمال خراسان": "IR-28", "اصفان": "IR-10",
}  # fmt: skip

_CITY_JOINERS = ("", " ")
#: Short names and names that are also everyday words count only when they stand alone or after «استان», «شهر».
_EVERYDAY_WORDS = """
قم ری بم خوی لار شوش جم مهران ایوان فردوس پردیس قدس اهر مرکزی یزد کیش آمل بابل ساری خاش تفت دیلم شهریار البرز گلستان
کرمان ایلام فارس سراب میانه بهشهر شیروان گرمی الوند رودان محلات بندر bandar sari qom fars
"""
_EVERYDAY = frozenset(map(fold, _EVERYDAY_WORDS.split()))
_PLACE_WORDS = frozenset({"استان", "شهر", "شهرستان", "از", "در", "تو", "توی", "اهل", "ساکن", "ostan", "shahr", "az"})
_WORDS_MAX = 60


def _index() -> dict[str, Province]:
    """Give every folded name, spaced and joined, with its province; a province's own name wins over a city's."""
    found: dict[str, Province] = {}
    for province in PROVINCES.values():
        for name in (*province.cities, province.english):
            for joiner in _CITY_JOINERS:
                found.setdefault(fold(name.replace("\u200c", joiner)), province)
    for alias, code in _ALSO.items():
        found[fold(alias)] = PROVINCES[code]
    for province in PROVINCES.values():
        for name in (province.name, province.english):
            found[fold(name)] = found[fold(name).replace(" ", "")] = province
        found[fold(province.name.replace(" و ", " "))] = province
    return found


_BY_NAME = _index()


def find_province(text: str) -> Province | None:
    """Find the province that a text names, by its name or by a well-known city; None when it names none.

    The longest name wins («خراسان شمالی» before «خراسان»). A whole short text may hold a slip («اصفهام»).
    """
    tokens = fold(text[:400]).split()[:_WORDS_MAX]
    for size in (4, 3, 2, 1):
        for at in range(len(tokens) - size + 1):
            found = _BY_NAME.get(" ".join(tokens[at : at + size]))
            if found and (size > 1 or _meant(tokens, at)):
                return found
    if 0 < len(tokens) <= 3:
        return _nearly(" ".join(word for word in tokens if word not in _PLACE_WORDS))
    return None


def _meant(tokens: list[str], at: int) -> bool:
    """True when an everyday word («فردوس», «قدس») is meant as a place here."""
    return tokens[at] not in _EVERYDAY or len(tokens) == 1 or (at > 0 and tokens[at - 1] in _PLACE_WORDS)


def _nearly(name: str) -> Province | None:
    """Find the one province that a mistyped name can mean; two candidates mean none."""
    if len(name) < 4:
        return None
    codes = {province.code for known, province in _BY_NAME.items() if len(known) >= 4 and close(name, known)}
    return PROVINCES[codes.pop()] if len(codes) == 1 else None
