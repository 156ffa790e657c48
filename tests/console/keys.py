"""What a counsellor's hands do in nearly every browser test: take the most urgent case, write to the person."""


def take_first(page):
    page.locator("#take button").wait_for()
    page.keyboard.press("Enter")
    page.locator("#composer").wait_for()


def write(page, text):
    page.get_by_label("پیام شما").fill(text)
    page.keyboard.press("Enter")
