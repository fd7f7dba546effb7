"""The desk in a real browser: Debian's chromium, driven by Playwright."""

import datetime as dt
import json
import os
import shutil
import threading

import pytest

from nlp.corrections import CorrectionLog, read_log
from nlp.schema import ACCUSED_STATUSES
from nlp.serve.app import Service
from nlp.serve.settings import Settings
from nlp.tagger import Tagger, released_model
from tests.test_serve import running

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium: apt-get install chromium, or set CHROMIUM to a browser, and run again"
)
CASE = (
    "Bawaslu Kabupaten Kudus meregistrasi laporan terhadap Camat Undaan, Sutarno Wibowo, yang diduga mengarahkan "
    "kepala desa memilih calon bupati nomor urut 2. Laporan itu diterima dari warga pada Senin (7/10/2024) dan kini "
    "diperiksa, kata Ketua Bawaslu Kudus, Rofiah Hanum. Sutarno sudah dipanggil untuk memberi keterangan pekan ini."
    "\n\nBACA JUGA: Lurah di Semarang Dipecat karena Foto Bersama Calon"
)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def released_tagger():
    """The model that ships: what an analyst sees."""
    return Tagger.load(released_model())


@pytest.fixture(scope="module")
def log_path(tmp_path_factory):
    return tmp_path_factory.mktemp("desk") / "corrections.jsonl"


@pytest.fixture(scope="module")
def desk(released_tagger, log_path):
    with running(Service(released_tagger, Settings(), CorrectionLog(log_path))) as (url, _, _):
        yield url


@pytest.fixture
def page(browser, desk):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="id-ID")
    page = context.new_page()
    page.problems = []
    page.outside = []
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith((desk, "blob:")) else page.outside.append(r.url))
    page.goto(desk)
    page.get_by_text("netral-small").wait_for()
    yield page
    assert page.outside == []
    assert page.problems == []
    context.close()


def check(page, text, date="2024-10-07"):
    page.fill("#text", text)
    page.fill("#date", date)
    page.click("#tag")
    page.wait_for_selector("#label")
    page.wait_for_selector("#tag:enabled")


def test_one_text(page, released_tagger):
    check(page, CASE)
    record = released_tagger.tag(CASE, date=dt.date(2024, 10, 7))
    assert page.inner_text("#label") == record.label.display
    if "dugaan" in record.label.display:
        assert page.inner_text("#unverified") == "belum diverifikasi"
    assert page.locator("#nearly li").count() == 3
    assert page.locator("mark.evidence").count() >= 1
    assert "BACA JUGA" in page.locator("#pane .ignored").all_inner_texts()[-1]
    table = page.inner_text("#officials")
    assert "Camat Undaan" in table
    assert "Rofiah Hanum" in table
    assert "33.19" in page.inner_text("#regions")
    assert page.locator("#pane").inner_text().replace("\n\n", "\n") == CASE.replace("\n\n", "\n")


def test_pointing_at_a_person_shows_its_places(page):
    check(page, CASE)
    row = page.locator("#officials tbody tr").first
    row.hover()
    shown = page.locator("#pane .shown").all_inner_texts()
    assert shown
    assert shown[0] in row.inner_text()
    page.locator("#title").hover()
    assert page.locator("#pane .shown").count() == 0


def test_keyboard_alone(page):
    page.keyboard.press("Tab")
    assert page.evaluate_handle("document.activeElement").as_element().get_attribute("class") == "skip"
    page.locator("#text").focus()
    page.keyboard.insert_text(CASE)
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.locator("#tag:focus").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#label")
    assert page.locator("#result:focus").count() == 1
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.locator("#officials tr:focus").count():
            break
    assert page.locator("#pane .shown").count() >= 1


def test_english(page):
    page.click("#language")
    check(page, CASE)
    assert page.inner_text("#tag") == "Check"
    assert page.locator("html").get_attribute("lang") == "en"
    assert "People named" in page.inner_text("#result")
    if page.locator("#unverified").count():
        assert page.inner_text("#unverified") == "unverified"
    page.click("#language")
    assert page.inner_text("#tag") == "Periksa"


def feed(tmp_path, count=20):
    path = tmp_path / "feed.jsonl"
    rows = [
        {"id": f"r{n}", "title": f"Artikel {n}", "text": CASE if n % 3 else f"Harga cabai naik {n} ribu rupiah."}
        for n in range(count)
    ]
    path.write_text("\n".join([*(json.dumps(r) for r in rows), '{"text": "???"}', "{rusak"]))
    return path


def open_feed(page, path):
    page.set_input_files("#file", path)
    page.get_by_text("Selesai: ").wait_for()


def test_many_texts(page, tmp_path):
    open_feed(page, feed(tmp_path))
    assert page.locator(".records tbody tr").count() == 20
    assert "20 artikel" in page.inner_text("#counts h2")
    assert "Dihitung sebagai artikel, bukan perkara" in page.inner_text("#counts")
    assert "2 baris tidak dapat diperiksa" in page.inner_text("#dead")
    page.fill("#find", "cabai")
    assert page.locator(".records tbody tr").count() == 7
    assert "7 artikel" in page.inner_text("#showing")
    page.fill("#find", "")
    page.click("[data-column=score]")
    page.click("[data-column=score]")
    scores = [int(t.split()[0]) for t in page.locator(".records tbody td:nth-child(4)").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    labels = page.locator("#by-label option").all_inner_texts()
    page.select_option("#by-label", index=1)
    chosen = page.locator(".records tbody td:nth-child(3)").all_inner_texts()
    assert set(chosen) == {labels[1]}
    page.select_option("#by-label", index=0)
    page.check("#review")
    waiting = page.locator(".records tbody tr").count()
    assert waiting == page.locator(".records tbody tr.waiting").count()
    page.uncheck("#review")
    page.locator(".open").nth(1).click()
    page.wait_for_selector("#label")
    page.get_by_text("Kembali ke tabel").click()
    assert page.locator(".records tbody tr").count() == 20


def test_a_file_is_dropped_on_the_page(page):
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(['{"text": "Harga cabai naik lagi."}'], "a.jsonl"));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    page.get_by_text("Selesai: 1 artikel").wait_for()
    assert page.locator(".records tbody tr").count() == 1


def test_saved_records_are_those_shown(page, tmp_path):
    open_feed(page, feed(tmp_path, 6))
    page.fill("#find", "cabai")
    with page.expect_download() as download:
        page.click("#save")
    lines = [json.loads(x) for x in download.value.path().read_text().splitlines()]
    assert [r["id"] for r in lines] == ["r0", "r3"]


def test_csv_and_txt(page, tmp_path):
    (tmp_path / "f.csv").write_text('id,text\n1,"Harga cabai naik, kata pedagang."\n')
    open_feed(page, tmp_path / "f.csv")
    assert page.locator(".records tbody tr").count() == 1
    page.click("#tab-one")
    (tmp_path / "f.txt").write_text(CASE)
    page.set_input_files("#file", tmp_path / "f.txt")
    page.get_by_text("Camat Undaan").first.wait_for()
    assert page.input_value("#text") == CASE


def test_a_correction_stays(page, desk, log_path):
    text = CASE.replace("Sutarno Wibowo", "Sugiyanto Raharjo").replace("Sutarno", "Sugiyanto")
    check(page, text)
    before = page.inner_text("#label")
    page.get_by_text("Koreksi", exact=True).click()
    page.select_option("#to", "prevention")
    page.fill("#by", "Ani <b>Wijaya</b>")
    page.fill("#reason", "hanya imbauan")
    page.click("#correction button")
    page.get_by_text("Koreksi dicatat.").wait_for()
    assert page.inner_text("#label") == "pencegahan"
    assert "Ani <b>Wijaya</b>" in page.inner_text(".corrected")
    page.reload()
    page.get_by_text("netral-small").wait_for()
    check(page, text)
    assert page.inner_text("#label") == "pencegahan"
    table = page.inner_text("#officials")
    assert "diduga" not in table
    entry = list(read_log(log_path))[-1]
    assert entry.record.label.display == before
    assert (entry.by, entry.new) == ("Ani <b>Wijaya</b>", "prevention")
    assert not any(o.status in ACCUSED_STATUSES for o in CorrectionLog(log_path).apply(entry.record).officials)


def test_long_article(page):
    words = CASE.replace("BACA JUGA: Lurah di Semarang Dipecat karena Foto Bersama Calon", "").strip()
    long = "\n\n".join([words] * 70)
    assert len(long.split()) > 3000
    check(page, long)
    assert page.locator("#pane").inner_text().count("Rofiah Hanum") == 70
    assert page.locator("html").evaluate("e => e.scrollWidth") <= 1280


HOSTILE = (
    '<script>document.title="x"</script><img src=x onerror="document.title=1"> </textarea> Camat Undaan '
    "\u202eonotraS\u202c Bawaslu Kudus memeriksa laporan. {{7*7}} ${7*7} javascript:alert(1) " + "🗳️" * 10_000
)


def test_hostile_text_is_text(page):
    check(page, HOSTILE)
    assert page.title() == "netralitas"
    pane = page.locator("#pane")
    assert pane.locator("img, script").count() == 0
    shown = pane.inner_text()
    assert '<script>document.title="x"</script>' in shown
    assert "\u202e" not in shown
    assert "U+202E" in shown
    assert shown.count("🗳") == 10_000


@pytest.mark.parametrize("width", [1280, 640, 400])
def test_nothing_is_cut_off(page, tmp_path, width):
    # 1280 at 200 % zoom is laid out as 640.
    page.set_viewport_size({"width": width, "height": 800})
    check(page, CASE)
    assert page.locator("html").evaluate("e => e.scrollWidth") <= width
    open_feed(page, feed(tmp_path, 4))
    assert page.locator("html").evaluate("e => e.scrollWidth") <= width


def test_every_control_has_a_name(page):
    check(page, CASE)
    unnamed = page.locator("button, input, select, textarea").evaluate_all(
        "nodes => nodes.filter(n => n.checkVisibility() && !n.textContent.trim() && !(n.labels && n.labels.length)"
        " && !n.getAttribute('aria-label')).map(n => n.outerHTML)"
    )
    assert unnamed == []


def test_server_gone_away(browser, released_tagger):
    context = browser.new_context()
    page = context.new_page()
    with running(Service(released_tagger, Settings())) as (url, _, _):
        page.goto(url)
        page.get_by_text("netral-small").wait_for()
        page.fill("#text", CASE)
    page.click("#tag")
    page.get_by_text("Layanan tidak menjawab").wait_for()
    assert page.input_value("#text") == CASE
    assert page.locator("#tag:enabled").count() == 1
    context.close()


def test_key_is_asked_for(browser, released_tagger):
    context = browser.new_context()
    page = context.new_page()
    asked = threading.Event()

    def answer(dialog):
        asked.set()
        dialog.accept("kunci-rahasia-0001")

    page.on("dialog", answer)
    with running(Service(released_tagger, Settings(keys=("kunci-rahasia-0001",)))) as (url, _, _):
        page.goto(url)
        page.get_by_text("netral-small").wait_for()
        assert asked.is_set()
        check(page, CASE)
        context.close()
