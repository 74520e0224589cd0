"""Coming in by name and password, and a session that ends in the middle of something."""

from playwright.sync_api import expect
from tests.console.stage import PASSWORD, Stage, callsign, place
from tests.console.windows import Window, Windows


def log_in(window: Window, who: str, password: str = PASSWORD) -> None:
    form = window("tansiq-login form")
    form.locator("[name=name]").fill(who)
    form.locator("[name=password]").fill(password)
    form.locator("button.primary").click()


def test_whoever_knows_the_password_comes_in(shared_stage: Stage, windows: Windows) -> None:
    window = windows.open(shared_stage.north, "omar", language="ar", logged_in=False)
    window.page.goto(window.house.url)
    log_in(window, "omar", "five words are not so good")
    expect(window("tansiq-login .problem")).to_be_visible()
    assert "secret" not in window.page.url
    log_in(window, "omar")
    expect(window("tansiq-board h1")).to_be_visible()
    expect(window("tansiq-login dialog")).to_have_count(0)
    # The session is the browser's: no script can read it, and a reload keeps it.
    assert window.page.evaluate("() => document.cookie") == ""
    window.page.reload()
    expect(window("tansiq-board h1")).to_be_visible()
    assert not any("password" in url or PASSWORD in url for url in window.requests)


def test_a_session_that_ends_loses_no_half_drawn_plan(
    shared_stage: Stage, windows: Windows
) -> None:
    north, name, at = shared_stage.north, callsign("L"), place()
    window = windows.open(north, "omar", logged_in=False)
    window.page.goto(north.url)
    log_in(window, "omar")
    window.go("plan")
    form = window("tansiq-plan form").first
    form.locator("[name=callsign]").fill(name)
    form.locator("[name=text]").fill(f"{at.lat_deg}N {at.lng_deg}E\nradius 900 m")
    expect(form.locator(".understood")).to_be_visible()
    form.locator("[name=lower]").fill("3000")
    # What ends it is the node: a session that an admin takes away, or that is too old.
    window.page.context.clear_cookies()
    expect(window("tansiq-login dialog[open] [role=status]")).to_be_visible()
    assert form.locator("[name=callsign]").input_value() == name
    log_in(window, "omar")
    expect(window("tansiq-login dialog")).to_have_count(0)
    form.locator("[name=upper]").fill("4000")
    window.page.wait_for_timeout(300)
    window.page.reload()
    for field, value in (("callsign", name), ("lower", "3000"), ("upper", "4000")):
        expect(window(f"tansiq-plan [name={field}]").first).to_have_value(value)
    expect(window("tansiq-plan [name=text]").first).to_have_value(
        f"{at.lat_deg}N {at.lng_deg}E\nradius 900 m"
    )
