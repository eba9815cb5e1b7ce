"""Reads the evidence's page as a newcomer would, in headless Chromium, on a desk and on a phone, in light and in dark.

python3 check.py PAGE SCREENSHOTS, with Chromium and its driver installed and the packages of requirements.txt. It exits
with 1 and says what is wrong.
"""

import pathlib
import shutil
import sys

import axe_core_python.base as axe
from selenium import webdriver

WIDTHS = {"desk": (1280, 800), "phone": (390, 844)}
SCHEMES = ["light", "dark"]
# Seconds that a script may take, on a machine with other work.
LONGEST = 900

# Every one gives a list of what is wrong.
CHECKS = {
    "asks for something outside": """
        return performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith('data:'))""",
    "is wider than the window": """
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        const holds = e => e.closest('.scroll, .picture, pre') !== null;
        const wide = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > width + 1);
        return wide.filter(e => !holds(e)).map(e => e.tagName + ' ' + e.textContent.slice(0, 60)).concat(['the page'])""",
    "is not visible": """
        const seen = e => {
            const box = e.getBoundingClientRect();
            return box.width > 4 && box.height > 4 && getComputedStyle(e).visibility === 'visible';
        };
        const all = [...document.querySelectorAll('math, figure svg, img')];
        if (all.length === 0) return ['any formula or picture'];
        return all.filter(e => !seen(e)).map(e => e.outerHTML.slice(0, 80))""",
    "is a formula that did not convert": """
        return [...document.querySelectorAll('merror')].map(e => e.outerHTML.slice(0, 80))""",
    "is cut off": """
        return [...document.querySelectorAll('.equations .scroll')]
            .filter(e => e.scrollHeight > e.clientHeight + 1).map(e => e.textContent)""",
    "leads nowhere": """
        return [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href').slice(1))
            .filter(id => document.getElementById(id) === null)""",
    "is an anchor twice": """
        const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
        return ids.filter((id, i) => ids.indexOf(id) !== i)""",
    "is a line without contrast": """
        const light = c => {
            const part = x => { x /= 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; };
            const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
            return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
        };
        const ground = light(getComputedStyle(document.body).backgroundColor);
        const ratio = c => {
            const l = light(c);
            return (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05);
        };
        const wrong = [];
        for (const e of document.querySelectorAll('svg [class^=s]'))
            if (ratio(getComputedStyle(e).stroke) < 3) wrong.push(e.getAttribute('class'));
        for (const e of document.querySelectorAll('svg text'))
            if (ratio(getComputedStyle(e).fill) < 4.5) wrong.push(e.textContent);
        return [...new Set(wrong)]""",
}

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# What may differ where there is less room; the rest takes minutes and says the same.
RULES_OF_WIDTH = ["scrollable-region-focusable"]

AXE = """
    const [rules, done] = arguments;
    // without selectors, of which it would make one for every node that passes
    const options = {runOnly: rules, resultTypes: ['violations'], selectors: false};
    axe.run(document, options).then(result => done(
        result.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.html.slice(0, 120) + ' ' + n.failureSummary))))"""


def browser():
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # those that are installed: selenium would look for others in the network
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.command_executor.client_config.timeout = LONGEST
    driver.set_script_timeout(LONGEST)
    return driver


def look(driver, page, folder):
    wrong = []
    for name, (width, height) in WIDTHS.items():
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": name == "phone"}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        for scheme in SCHEMES:
            feature = [{"name": "prefers-color-scheme", "value": scheme}]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
            driver.get(page.as_uri())
            driver.save_screenshot(str(folder / f"{name}-{scheme}.png"))
            if name == "desk":
                last = "return document.querySelector('table').getBoundingClientRect().bottom"
                if driver.execute_script(last) > height:
                    wrong.append(f"{name} {scheme}: the first page is not on one screen")
            for state in ["closed", "open"]:
                if state == "open":
                    driver.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
                for what, script in CHECKS.items():
                    found = driver.execute_script(script)
                    wrong += [f"{name} {scheme} {state}: {part} {what}" for part in found]
            driver.execute_script(axe.AXE_SCRIPT)
            rules = RULES if name == "desk" else RULES_OF_WIDTH
            wrong += [f"{name} {scheme}: {part}" for part in driver.execute_async_script(AXE, rules)]
    wrong += [f"the console: {entry['message']}" for entry in driver.get_log("browser") if entry["level"] != "INFO"]
    return wrong


def main():
    page, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    driver = browser()
    try:
        wrong = look(driver, page, folder)
    finally:
        driver.quit()
    for line in wrong[:100]:
        print(line)
    print(f"{page.name}: {len(wrong)} defects" if wrong else f"{page.name}: nothing wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
