"""Which browser on which system a sign-in comes from, in words of a closed list: enough to know one's own again."""

_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def agent_words(user_agent: str) -> str:
    """Give «browser، system» of a User-Agent header; empty for what is not known."""
    found = [next((word for sign, word in known if sign in user_agent[:400]), None) for known in (_BROWSERS, _SYSTEMS)]
    return "، ".join(word for word in found if word)
