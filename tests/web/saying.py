"""Sending a text as the page's own form does."""

NONCE = "aaaaaaaaaaaaaaaa"


async def say(client, text, nonce=NONCE, **headers):
    return await client.post("/", data={"t": text, "n": nonce}, headers=headers, follow_redirects=True)
