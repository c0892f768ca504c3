// The page in a real browser, from a plain static host.

import assert from "node:assert/strict";
import { mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { after, before, test } from "node:test";
import { here, launch, open, serveStatic } from "./browser.mjs";

const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const shots = join(here, "..", "screenshots");
let browser, site;

before(async () => {
  await mkdir(shots, { recursive: true });
  site = await serveStatic();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  site?.close();
});

/// A page with an experiment that has run.
async function show(hash, options) {
  const page = await open(browser.context, site.url + hash, options);
  await page.waitForSelector("#verdict");
  return page;
}
/// Nothing was logged as an error and nothing left for another host.
async function clean(page) {
  assert.deepEqual(page.errors, []);
  assert.deepEqual(page.foreign, []);
  await page.close();
}
const frames = (page) => page.locator("[data-frame]");
const states = (page) => page.locator(".who li b").allTextContents();

test("handshake: three segments, and ESTABLISHED twice", async () => {
  const page = await show("#/handshake");
  assert.deepEqual(await frames(page).evaluateAll((all) => all.map((one) => one.dataset.name)), ["client SYN #1", "server SYN,ACK #1", "client ACK #1"]);
  assert.deepEqual(await states(page), ["ESTABLISHED", "ESTABLISHED"]);
  assert.equal(await page.locator(".state.lit[data-state=ESTABLISHED]").count(), 1);
  assert.match(await page.locator("#verdict").textContent(), /All verdicts hold/);
  const variable = async (name) => page.locator(`[data-variable=${name}]`).allTextContents();
  assert.deepEqual(await variable("snd_nxt"), ["1", "1"]);
  await page.click("#absolute");
  assert.notDeepEqual(await variable("snd_nxt"), ["1", "1"]);
  assert.match(await page.locator("#verdict").textContent(), /run in \d+ ms/);
  await page.screenshot({ path: join(shots, "handshake.png") });
  await clean(page);
});

test("a SYN-ACK that is dropped by a click is sent again after the initial time-out", async () => {
  const page = await show("#/handshake");
  await page.locator('[data-name="server SYN,ACK #1"]').click();
  await page.click("[data-rule=drop]");
  await page.waitForSelector("#difference");
  assert.match(decodeURIComponent(await page.evaluate(() => location.hash)).replaceAll("+", " "), /rule=drop server SYN,ACK #1/);
  const lost = page.locator('[data-name="server SYN,ACK #1"]');
  assert.equal(await lost.getAttribute("data-fate"), "ruled");
  // RFC 6298 2.1: one second until the first round trip is measured.
  const again = page.locator(".retransmission[aria-label*='SYN,ACK']").first();
  const label = await again.getAttribute("aria-label");
  assert.match(label, /retransmission/);
  const sent = Number(label.match(/sent ([\d.]+) s/)[1]);
  assert.ok(sent >= 1 && sent < 1.2, label);
  assert.deepEqual(await states(page), ["ESTABLISHED", "ESTABLISHED"]);
  await page.screenshot({ path: join(shots, "dropped.png") });
  await page.click("#verdict button");
  await page.waitForSelector("#difference", { state: "detached" });
  assert.equal(await frames(page).count(), 3);
  await clean(page);
});

test("each way of breaking it is met, and the difference is shown and shared by the link", async () => {
  // What each verb does to the SYN: how many copies arrive, how they arrive, and what comes after.
  const verbs = {
    drop: (all) => all[0].fate === "ruled" && all.some((one) => /client SYN #2, .*retransmission/.test(one.label)),
    delay: (all) => all[0].fate === "delivered" && /arrives 2[0-9]{2}(\.\d+)? ms/.test(all[0].label),
    duplicate: (all) => all.filter((one) => one.name === "client SYN #1").length === 2,
    corrupt: (all) => /damaged/.test(all[0].label) && all.some((one) => one.name === "client SYN #2"),
    cut: (all) => all[0].fate === "cut" && all.every((one) => one.fate === "cut"),
  };
  for (const [verb, holds] of Object.entries(verbs)) {
    const page = await show("#/handshake");
    await page.locator('[data-name="client SYN #1"]').first().click();
    await page.click(`[data-rule=${verb}]`);
    await page.waitForSelector("#difference");
    assert.match(await page.locator("#difference").textContent(), /\d|0/, verb);
    const seen = () => frames(page).evaluateAll((all) => all.map((one) => ({ name: one.dataset.name, fate: one.dataset.fate, label: one.getAttribute("aria-label") })));
    const drawn = await seen();
    assert.ok(holds(drawn), `${verb}: ${JSON.stringify(drawn.map((one) => one.label))}`);
    assert.ok(await page.locator(".arrow.changed").count() > 0, `${verb}: nothing is marked as changed`);
    assert.match(decodeURIComponent(await page.evaluate(() => location.hash)).replaceAll("+", " "), new RegExp(`rule=${verb} (200ms )?client SYN #1`));
    // Who gets the link sees the same.
    const other = await open(browser.context, page.url());
    await other.waitForSelector("#verdict");
    assert.deepEqual(await frames(other).evaluateAll((all) => all.map((one) => one.getAttribute("aria-label"))), drawn.map((one) => one.label), verb);
    await clean(other);
    await clean(page);
  }
});

test("fingers are enough: a tap opens a segment and drops it, a finger scrubs", async () => {
  const page = await open(browser.phone, `${site.url}#/handshake`);
  await page.waitForSelector("#verdict");
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${over} too wide`);
  const middle = async (locator) => { const box = await locator.boundingBox(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const segment = page.locator('[data-name="server SYN,ACK #1"]');
  await segment.scrollIntoViewIfNeeded();
  await page.touchscreen.tap(...await middle(segment.locator(".hit")));
  await page.waitForSelector("[role=dialog]");
  assert.equal(await page.locator("#frame-title").textContent(), "server SYN,ACK #1");
  await page.screenshot({ path: join(shots, "touch-menu.png") });
  await page.locator("[data-rule=drop]").tap();
  await page.waitForSelector("#difference");
  assert.equal(await segment.getAttribute("data-fate"), "ruled");
  // The slider is the browser's own: a finger on its beginning takes the cursor there.
  await page.locator("#scrub").scrollIntoViewIfNeeded();
  const box = await page.locator("#scrub").boundingBox();
  await page.touchscreen.tap(box.x + 3, box.y + box.height / 2);
  await page.waitForFunction(() => [...document.querySelectorAll(".who li b")].some((one) => one.textContent !== "ESTABLISHED"));
  await page.touchscreen.tap(box.x + box.width - 3, box.y + box.height / 2);
  await page.waitForFunction(() => [...document.querySelectorAll(".who li b")].every((one) => one.textContent === "ESTABLISHED"));
  await clean(page);
});

test("a finger that is dragged scrubs on the slider, and scrolls the ladder", async () => {
  const page = await open(browser.phone, `${site.url}#/congestion`);
  await page.waitForSelector("#verdict");
  const client = await page.context().newCDPSession(page);
  const drag = async ([x0, y0], [x1, y1]) => {
    const send = (type, points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
    await send("touchStart", [[x0, y0]]);
    for (let part = 1; part <= 12; part++) await send("touchMove", [[x0 + ((x1 - x0) * part) / 12, y0 + ((y1 - y0) * part) / 12]]);
    await send("touchEnd", []);
  };
  const now = () => page.locator("output.now small").textContent();
  const step = async () => Number((await now()).match(/\d+/)[0]);

  await page.locator("#scrub").scrollIntoViewIfNeeded();
  const slider = await page.locator("#scrub").boundingBox();
  const across = slider.y + slider.height / 2;
  const last = await step();
  await drag([slider.x + slider.width - 8, across], [slider.x + slider.width / 2, across]);
  const half = await step();
  assert.ok(half > 0 && half < last * 0.9, `dragged to the middle: step ${half} of ${last}`);
  await drag([slider.x + slider.width / 2, across], [slider.x + slider.width - 2, across + 3]);
  assert.ok(await step() > half, "dragged back to the right");

  const scroller = page.locator(".scroller").first();
  await scroller.scrollIntoViewIfNeeded();
  await scroller.evaluate((one) => { one.scrollTop = 0; });
  const ladder = await scroller.boundingBox();
  const [x, low, high] = [ladder.x + ladder.width / 2, ladder.y + ladder.height * 0.8, ladder.y + ladder.height * 0.2];
  await drag([x, low], [x, high]);
  await page.waitForFunction(() => document.querySelector(".scroller").scrollTop > 50);
  // What is dragged over is scrolled, not opened.
  assert.equal(await page.locator("[role=dialog]").count(), 0);
  await clean(page);
});

test("every experiment runs, in both languages, without an error", async () => {
  const page = await show("#/handshake");
  const names = await page.locator("aside a.entry").evaluateAll((all) => all.map((one) => one.getAttribute("href").slice(2)).filter(Boolean));
  const times = [];
  for (const name of names) {
    await page.evaluate((name) => { location.hash = `#/${name}?lang=${location.hash.includes("zh") ? "en" : "zh"}`; }, name);
    await page.waitForFunction((name) => document.querySelector("article[aria-busy=false] #verdict") && location.hash.startsWith(`#/${name}`) && document.querySelector(`aside a[href="#/${name}"][aria-current]`), name);
    assert.equal(await page.locator("#verdict.bad").count(), 0, name);
    assert.equal((await page.locator("h1").textContent()).trim().length > 0, true);
    const milliseconds = Number((await page.locator("#verdict span").first().textContent()).match(/(\d+)\s*(?:ms|毫秒)$/)?.[1]);
    times.push([name, milliseconds]);
  }
  // Told, not judged: machines differ.
  times.sort((a, b) => b[1] - a[1]);
  console.log(`${names.length} experiments; the slowest runs: ${times.slice(0, 5).map(([name, milliseconds]) => `${name} ${milliseconds} ms`).join(", ")}`);
  await clean(page);
});

test("steps, scrubbing and playing move the cursor", async () => {
  const page = await show("#/handshake");
  await page.click("#start");
  assert.deepEqual(await states(page), ["–", "–"]);
  for (let step = 0; step < 2; step++) await page.click("#forward");
  assert.deepEqual(await states(page), ["SYN-SENT", "–"]);
  assert.match(await page.evaluate(() => location.hash), /step=2/);
  await page.locator("#scrub").fill("99999");
  assert.deepEqual(await states(page), ["ESTABLISHED", "ESTABLISHED"]);
  await page.click("#start");
  await page.click("#play");
  await page.waitForSelector(".flight");
  await page.waitForFunction(() => document.querySelectorAll(".who b")[1].textContent === "ESTABLISHED");
  await clean(page);
});

test("the keyboard alone is enough", async () => {
  const page = await show("#/handshake");
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  await press("?");
  assert.equal(await page.locator("[role=dialog] dt").count() >= 12, true);
  await press("Escape", "Home", "ArrowRight", "ArrowRight");
  assert.deepEqual(await states(page), ["SYN-SENT", "–"]);
  await press("ArrowDown", "ArrowDown", "Enter");
  assert.equal(await page.locator("#frame-title").textContent(), "server SYN,ACK #1");
  await page.waitForFunction(() => document.querySelector("[role=dialog]").contains(document.activeElement));
  await press("Escape", "d");
  await page.waitForSelector("#difference");
  assert.equal(await page.locator('[data-name="server SYN,ACK #1"]').getAttribute("data-fate"), "ruled");
  await press("0");
  await page.waitForSelector("#difference", { state: "detached" });
  await press("l");
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  await press("l", "t");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "light");
  // Everything that can be pressed is reached by Tab.
  const reached = new Set();
  for (let count = 0; count < 60; count++) {
    await press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
  }
  for (const id of ["language", "theme", "help", "copy-link", "play", "scrub", "tab-variables"]) assert.ok(reached.has(id), `${id} in ${[...reached]}`);
  await clean(page);
});

test("language and theme are chosen, kept, and readable", async () => {
  const page = await show("#/handshake");
  await page.click("#language");
  assert.match(await page.locator("h1").textContent(), /[\u4e00-\u9fff]/);
  assert.match(await page.title(), /[\u4e00-\u9fff]/);
  await page.click("#theme");
  await page.click("#theme");
  await page.reload();
  await page.waitForSelector("#verdict");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  assert.match(await page.locator("h1").textContent(), /[\u4e00-\u9fff]/);
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
    for (const [front, back, least] of [["--ink", "--paper", 10], ["--soft", "--paper", 4.5], ["--soft", "--ground", 4.5], ["--accent", "--ground", 4.5], ["--on-accent", "--accent", 4.5], ["--bad", "--paper", 4.5], ["--tone0", "--paper", 4.5], ["--tone1", "--paper", 4.5], ["--warn", "--paper", 4.5], ["--good", "--ground", 4.5]]) {
      const ratio = await page.evaluate(contrast, [front, back]);
      assert.ok(ratio >= least, `${theme}: ${front} on ${back} is ${ratio.toFixed(2)}`);
    }
  }
  await page.evaluate(() => localStorage.clear());
  await clean(page);
});

/// WCAG 2.2: contrast ratio.
function contrast([front, back]) {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    let hex = style.getPropertyValue(name).trim().slice(1);
    if (hex.length === 3) hex = hex.replace(/./g, "$&$&");
    const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

test("a link shows the same view again; a broken one opens with defaults and says what was ignored", async () => {
  const page = await show("#/handshake?seed=7&set=delay:80&rule=delay+200ms+client+SYN+%231&step=3&lang=zh");
  assert.equal(await page.locator("#ignored").count(), 0);
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  assert.equal(await page.locator("#rules code").count(), 0);
  await page.click("#tab-parameters");
  assert.equal(await page.inputValue("#seed"), "7");
  assert.equal(await page.inputValue("#set-delay"), "80");
  assert.equal(await page.locator("#rules code").textContent(), "delay 200ms client SYN #1");
  assert.match(await page.locator(".now small").textContent(), /3/);
  await clean(page);

  const broken = await show("#/handshake?seed=x&set=delay:999999999&set=nothing:1&rule=fly+away&rule=drop+client+ACK+%231&at=-4&color=red&lang=xx&step=100000");
  const told = await broken.locator("#ignored code").allTextContents();
  assert.deepEqual(told, ["seed=x", "set=delay:999999999", "set=nothing:1", "at=-4", "color=red", "lang=xx", "rule=fly away", "step=100000"]);
  await broken.click("#tab-parameters");
  assert.deepEqual(await broken.locator("#rules code").allTextContents(), ["drop client ACK #1"]);
  assert.equal(await broken.inputValue("#seed"), "1");
  await clean(broken);

  const foreign = await open(browser.context, `${site.url}#/%3Cimg src=x onerror=alert(1)%3E`);
  await foreign.waitForSelector("#ignored");
  assert.equal(await foreign.locator("main img").count(), 0);
  await foreign.close();

  const invisible = await open(browser.context, `${site.url}#/%00`);
  await invisible.waitForSelector("#ignored");
  assert.equal(await invisible.locator("#ignored code").textContent(), "\ufffd");
  await invisible.close();
});

test("a value out of its range is refused beside the control", async () => {
  const page = await show("#/handshake");
  await page.click("#tab-parameters");
  await page.fill("#set-delay", "999999999");
  await page.press("#set-delay", "Enter");
  assert.match(await page.locator("#hint-delay").textContent(), /out of range: give \d/);
  assert.equal(await page.getAttribute("#set-delay", "aria-invalid"), "true");
  await page.fill("#set-delay", "75");
  await page.press("#set-delay", "Enter");
  await page.waitForFunction(() => location.hash.includes("delay%3A75"));
  assert.equal(await page.getAttribute("#set-delay", "aria-invalid"), "false");
  await page.fill("form input", "flop server SYN #1");
  await page.press("form input", "Enter");
  await page.waitForSelector("#refusal");
  await clean(page);
});

test("a frame opens layer by layer, and a field lights its bytes", async () => {
  const page = await show("#/handshake");
  await page.locator('[data-name="client SYN #1"]').click();
  assert.deepEqual(await page.locator("details summary b").allTextContents(), ["Ethernet II", "IPv4", "TCP"]);
  await page.getByRole("button", { name: "destination port", exact: true }).click();
  assert.deepEqual(await page.locator(".digits i.lit").allTextContents(), ["1f", "40"]);
  assert.equal((await page.locator(".bits").textContent()).replace(/\s/g, ""), "0001111101000000");
  assert.ok((await page.locator(".wave path").getAttribute("d")).length > 100);
  await page.screenshot({ path: join(shots, "frame.png") });
  await clean(page);
});

test("every control has a name, and the page has its landmarks", async () => {
  for (const hash of ["#/handshake", "#/"]) {
    const page = await open(browser.context, site.url + hash);
    await page.waitForSelector("h1");
    await page.waitForSelector("#verdict, #simulated");
    const nameless = await page.evaluate(() => [...document.querySelectorAll("button, a[href], input, select, [role=img], [role=button], section, nav")].filter((one) => {
      const labels = one.labels ? [...one.labels].map((label) => label.textContent).join("") : "";
      return !(one.getAttribute("aria-label") || one.textContent.trim() || labels.trim() || one.getAttribute("aria-labelledby"));
    }).map((one) => one.outerHTML.slice(0, 120)));
    assert.deepEqual(nameless, []);
    assert.equal(await page.locator("main").count(), 1);
    assert.equal(await page.locator("h1").count(), 1);
    const twice = await page.evaluate(() => { const all = [...document.querySelectorAll("[id]")].map((one) => one.id); return all.filter((id, at) => all.indexOf(id) !== at); });
    assert.deepEqual(twice, []);
    page.errors = page.errors.filter((text) => !text.includes("404"));
    await clean(page);
  }
});

test("nothing is wider than the page, at both widths, in both themes", async () => {
  for (const size of [desktop, phone]) {
    for (const dark of [false, true]) {
      for (const hash of ["#/handshake", "#/close?lang=zh", "#/two-way-handshake", "#/around-the-clock", "#/signal?lang=zh", "#/seven-layers", "#/"]) {
        const page = await open(browser.context, site.url + hash, { size, dark });
        await page.waitForSelector("#verdict, #simulated, #ignored");
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `${hash} at ${size.width}: ${over} too wide`);
        await page.screenshot({ path: join(shots, `${hash.replace(/[^a-z]+/g, "-")}${size.width}${dark ? "-dark" : ""}.png`), fullPage: true });
        await page.close();
      }
    }
  }
});

test("a run of 20 000 frames is drawn in part, and scrolls and scrubs", async () => {
  const page = await browser.context.newPage();
  const worker = await readFile(join(here, "long.worker.js"), "utf8");
  await page.route("**/worker.js", (route) => route.fulfill({ contentType: "text/javascript", body: worker }));
  await page.goto(`${site.url}#/handshake`);
  await page.waitForSelector("#verdict");
  assert.ok((await frames(page).count()) < 400);
  // The longest task of scrolling and of scrubbing, in milliseconds. Told, not judged: machines differ.
  const longest = await page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const measure = async (act) => {
      const tasks = [];
      const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
      observer.observe({ entryTypes: ["longtask"] });
      for (let part = 0; part <= 60; part++) { act(part / 60); await frame(); await frame(); }
      await new Promise((resolve) => setTimeout(resolve, 100));
      observer.disconnect();
      return Math.max(0, ...tasks);
    };
    const scroller = document.querySelector(".scroller");
    const scrub = document.getElementById("scrub");
    const scroll = await measure((part) => (scroller.scrollTop = part * scroller.scrollHeight));
    const scrubbed = await measure((part) => { scrub.value = String(Number(scrub.max) * (1 - part)); scrub.dispatchEvent(new Event("input", { bubbles: true })); });
    return { scroll, scrubbed };
  });
  console.log(`20 000 frames: the longest task while scrolling ${longest.scroll} ms, while scrubbing ${longest.scrubbed} ms (0: none above 50)`);
  assert.ok(longest.scroll < 1000 && longest.scrubbed < 1000, JSON.stringify(longest));
  await page.close();
});

test("without a server the home page shows a simulated call and says so", async () => {
  const page = await open(browser.context, site.url);
  await page.waitForSelector("#simulated [data-frame]");
  assert.match(await page.locator("#no-backend").textContent(), /No server stands behind this page/);
  assert.ok(page.errors.every((text) => text.includes("404")), page.errors.join());
  await page.close();
});

test("wasm, JS and CSS weigh at most 1.5 MB gzipped", async () => {
  const dist = join(here, "..", "dist");
  let weight = 0;
  for (const name of await readdir(dist)) weight += gzipSync(await readFile(join(dist, name))).length;
  console.log(`${(weight / 1e6).toFixed(2)} MB gzipped`);
  assert.ok(weight <= 1.5e6, String(weight));
});
