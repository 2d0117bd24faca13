"""A passkey is added and signs in, with Chromium's virtual authenticator; an authenticator app's secret is shown."""

from playwright.sync_api import expect

from tests.server.cast import PASSWORD


def with_authenticator(page):
    """Give the page a virtual authenticator that holds passkeys and confirms the person."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def confirm_password(page):
    """Answer allauth's question for the password before a change of how one signs in."""
    if "/reauthenticate/" in page.url:
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button.primary, main form button").first.click()


def test_avery_adds_a_passkey_and_signs_in_with_it_alone(open_page, cast_people, check_accessible):
    page = open_page("avery", "/account/me")
    with_authenticator(page)
    page.goto("/account/2fa/webauthn/add/")
    confirm_password(page)
    page.wait_for_url("**/2fa/webauthn/add/**")
    check_accessible(page, "passkey-add")
    page.locator("[name=name]").fill("Avery's phone")
    passwordless = page.locator("[name=passwordless]")
    if passwordless.count():
        passwordless.check()
    page.locator("main form button").first.click()
    page.wait_for_url("**/2fa/recovery-codes/**", timeout=10_000)
    check_accessible(page, "recovery-codes")
    page.goto("/account/2fa/webauthn/")
    expect(page.get_by_role("row", name="Avery's phone")).to_contain_text("Never")
    check_accessible(page, "passkeys")
    page.get_by_role("link", name="Remove Avery's phone").click()
    expect(page.locator("h1")).to_have_text("Remove Avery's phone?")
    page.get_by_role("link", name="Keep it").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/**")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "/account/" not in url, timeout=10_000)
    expect(page.locator("h1")).to_have_text("PC Avery")


def test_the_authenticator_app_page_shows_its_secret_in_letters_too(open_page, cast_people, check_accessible):
    page = open_page("avery", "/account/2fa/totp/activate/")
    confirm_password(page)
    page.wait_for_url("**/2fa/totp/activate/**")
    check_accessible(page, "totp-activate")
    expect(page.locator("main img")).to_be_visible()
