"""Why an act was refused, in the words the counsellor reads: what happened and what she can do now."""

from escalation import case, relay
from escalation.accounts import CodeRefusedError, LoginRefusedError, NameTakenError
from escalation.entrusting import NotOnShiftError
from escalation.factors import FactorNeededError, SetUpOverError, WrongCodeError
from escalation.passwords import TooManyTriesError, WeakPasswordError
from escalation.policy import NotAllowedError
from escalation.profiles import BadNameError, BadUsernameError, NoRoleError
from escalation.signin import WrongPasswordError


class NotSureError(Exception):
    """What follows from a weighty act was not ticked."""


_WORDS: dict[type[Exception], str] = {
    case.NoSuchCaseError: "چنین پرونده‌ای در میز شما نیست.",
    case.CaseClosedError: "این پرونده بسته شده است.",
    case.CaseTakenError: "همکار دیگری همین حالا این پرونده را برداشت.",
    case.StaleTokenError: "این پرونده دیگر در دست شما نیست. صفحه را تازه کنید و اگر لازم است دوباره بردارید.",
    case.NotSeenError: "پروندهٔ فوری را پیش از بستن باید برداشت و خواند.",
    case.TooLateError: "زمان برگرداندن گذشته است.",
    case.NotLowerError: "این سطح پایین‌تر از سطح کنونی نیست.",
    case.BadInputError: "نوشته یا انتخاب کامل نیست. دوباره نگاه کنید.",
    NotOnShiftError: "این همکار همین حالا سر کار نیست. پرونده هنوز در دست شماست.",
    relay.ErasedError: "این مخاطب خواست همه‌چیز پاک شود؛ دیگر نمی‌شود به او نوشت.",
    relay.UnreachableError: "راهی برای رسیدن به او نیست؛ نشانی‌اش کار نمی‌کند.",
    relay.UnsafeToWriteError: "نوشتن همین حالا شاید به او آسیب بزند: بیرون رفته یا راه امنی نگفته است. صبر کنید تا خودش بنویسد.",
    relay.DisclosingError: "این پیام حالا شاید روی صفحهٔ قفل گوشی‌اش دیده شود و آغازش لو می‌دهد. خنثی آغاز کنید: «سلام. هر وقت خواستید، بنویسید.»",
    NotAllowedError: "نقش یا میز شما این کار را ندارد.",
    LoginRefusedError: "نام کاربری یا گذرواژه درست نیست.",
    WrongPasswordError: "گذرواژهٔ شما درست نیست.",
    NotSureError: "چیزی عوض نشد: نخست علامت بزنید که می‌دانید چه می‌شود.",
    SetUpOverError: "زمان ساختن رمز دوم گذشت. از نو آغاز کنید و تصویر تازه را با برنامه بخوانید.",
    WrongCodeError: "رمز درست نیست، کهنه است یا یک بار به کار رفته. رمز تازهٔ برنامه را بنویسید.",
    FactorNeededError: "نقش شما بی‌رمز دوم کار نمی‌کند؛ نمی‌شود آن را برداشت.",
    TooManyTriesError: "تلاش‌ها زیاد شد. پنج دقیقه صبر کنید.",
    WeakPasswordError: "گذرواژه باید ۱۰ نویسه یا بیشتر باشد و آسان حدس زده نشود؛ نام، شماره و ردیف کلیدها را همه امتحان می‌کنند. سه چهار واژهٔ بی‌ربط خوب است.",
    CodeRefusedError: "این پیوند به کار رفته یا زمانش گذشته است. پیوند تازه بگیرید.",
    NameTakenError: "این نام کاربری پیش‌تر گرفته شده است؛ نام دیگری بنویسید.",
    BadUsernameError: "نام کاربری ۳ تا ۳۲ نویسه است: حرف کوچک انگلیسی، رقم، نقطه و خط تیره؛ با حرف یا رقم آغاز می‌شود.",
    BadNameError: "نام را بنویسید؛ دست‌بالا ۸۰ نویسه.",
    NoRoleError: "دست‌کم یک نقش را انتخاب کنید.",
}
_STATUS: dict[type[Exception], int] = {
    case.NoSuchCaseError: 404,
    NotAllowedError: 403,
    case.BadInputError: 422,
    BadUsernameError: 422,
    BadNameError: 422,
    NoRoleError: 422,
    WeakPasswordError: 422,
    NotSureError: 422,
    LoginRefusedError: 403,
    WrongPasswordError: 403,
    WrongCodeError: 403,
    CodeRefusedError: 403,
    TooManyTriesError: 429,
}
#: What acts and accounts raise; anything else is a bug and answers 500.
REFUSALS = (
    case.ActError,
    LoginRefusedError,
    TooManyTriesError,
    WeakPasswordError,
    CodeRefusedError,
    NameTakenError,
    WrongCodeError,
    FactorNeededError,
    SetUpOverError,
    NotSureError,
)


def words_of(error: Exception) -> str:
    """Give the sentence for a refusal."""
    return _WORDS.get(type(error), "این کار انجام نشد.")


def status_of(error: Exception) -> int:
    """Give the HTTP status of a refusal; 409 when nothing else fits: the world is no longer as the page shows."""
    return _STATUS.get(type(error), 409)
