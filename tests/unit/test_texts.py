"""Messages in few characters: the GSM alphabet only, at most two SMS, the answer never cut."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.notify import carriers, texts

ANSWER = "https://hub.example/m/oKNksrBwzZbTzkZAhlJfCA"


def body(place: str, sentence: str) -> dict[str, Any]:
    return {
        "kind": "raised",
        "priority": 1,
        "place": place,
        "sentence": sentence,
        "since": "14:02:07 CST, Fri 22 Nov 2024",
    }


@given(st.text(), st.text())
def test_whatever_is_said_it_is_short_and_plain_and_can_be_answered(place: str, what: str) -> None:
    said = texts.sms(body(place, what), "4821", ANSWER)
    assert all(sign in texts._BASIC or sign in texts._EXTENDED for sign in said)
    assert texts.septets(said) <= texts.TWO_SMS
    assert said.endswith(f" Reply A 4821 or {ANSWER}")


def test_what_the_trade_writes_stays_readable() -> None:
    assert texts.gsm("Casing\u00a0H₂S 12\u202fppm \u2013 85 °F “hot” 3 m³") == (
        'Casing H2S 12 ppm - 85 degF "hot" 3 m3'
    )


def test_an_ordinary_page_is_one_message_beside_its_link() -> None:
    said = texts.sms(
        body("Smith 1H", "Tubing pressure very low: 80 psi, limit 100 psi"), None, None
    )
    assert texts.septets(said) <= texts.SMS_LENGTH
    assert said == (
        "WellFlow P1: Smith 1H: Tubing pressure very low: 80 psi, limit 100 psi,"
        " since 14:02:07 CST."
    )


def test_a_carriers_signature_is_that_of_its_documentation() -> None:
    """The example that Twilio's documentation of webhook security computes."""
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert carriers.signature("12345", url, fields.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
