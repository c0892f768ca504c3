// What is drawn can be read: words on arrows, numbers, verdicts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, serveStatic } from "./browser.mjs";

let browser, site;

before(async () => {
  site = await serveStatic();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  site?.close();
});

async function show(hash, context = browser.context, size = undefined) {
  const page = await open(context, site.url + hash, { size });
  await page.waitForSelector("#verdict");
  await page.waitForTimeout(100);
  return page;
}

/// The corners of every text that is said on an arrow.
function corners() {
  return [...document.querySelectorAll(".arrow text:not(.unsaid)")].map((text) => {
    const box = text.getBBox();
    const matrix = text.getScreenCTM();
    const at = (x, y) => { const point = new DOMPoint(x, y).matrixTransform(matrix); return [point.x, point.y]; };
    return { text: text.textContent, corners: [at(box.x, box.y + 3), at(box.x + box.width, box.y + 3), at(box.x + box.width, box.y + box.height - 3), at(box.x, box.y + box.height - 3)] };
  });
}

/// Whether two rectangles, however turned, have a place in common: no axis tells them apart.
function overlap(one, other) {
  const axes = [one, other].flatMap((box) => [0, 1].map((side) => [box[side + 1][0] - box[side][0], box[side + 1][1] - box[side][1]]));
  return axes.every(([x, y]) => {
    const along = (box) => box.map((corner) => corner[0] * x + corner[1] * y);
    const [a, b] = [along(one), along(other)];
    return Math.min(...a) < Math.max(...b) && Math.min(...b) < Math.max(...a);
  });
}

test("no word on an arrow stands over another's", async () => {
  for (const [hash, context] of [["#/loss", browser.context], ["#/around-the-clock", browser.context], ["#/switch", browser.phone], ["#/syn-flood", browser.phone]]) {
    const page = await show(hash, context);
    const all = await page.evaluate(corners);
    assert.ok(all.length >= 5, `${hash}: ${all.length} texts`);
    for (const [place, one] of all.entries()) {
      for (const other of all.slice(place + 1)) assert.ok(!overlap(one.corners, other.corners), `${hash}: "${one.text}" over "${other.text}"`);
    }
    await page.close();
  }
});

test("short arrows have short words, none cut off", async () => {
  const page = await show("#/switch");
  const said = await page.locator(".arrow text:not(.unsaid)").allTextContents();
  assert.ok(said.some((text) => text.includes("echo request")) && said.some((text) => text.startsWith("who has")), said.join());
  assert.ok(said.every((text) => !text.includes("\u2026")), said.join());
  await page.close();
});

test("a lost segment's arrow runs beside those of its burst", async () => {
  const page = await show("#/loss");
  const slope = (name) => page.locator(`[data-name="${name}"] .hit`).evaluate((line) => (line.y2.baseVal.value - line.y1.baseVal.value) / (line.x2.baseVal.value - line.x1.baseVal.value));
  const [before, lost, after] = [await slope("client data #4"), await slope("client data #5"), await slope("client data #6")];
  assert.ok(Math.abs(lost / ((before + after) / 2) - 1) < 0.1, `${before} ${lost} ${after}`);
  await page.close();
});

test("numbers are relative to each connection's own beginning, though a port is used again", async () => {
  const page = await show("#/time-wait", browser.context, { width: 1280, height: 2000 });
  const said = await page.locator(".arrow").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
  const syns = said.filter((text) => text.includes(" SYN #"));
  assert.equal(syns.length, 2, said.join("\n"));
  assert.ok(said.filter((text) => /seq \d/.test(text)).every((text) => Number(text.match(/seq (\d+)/)[1]) < 100), said.join("\n"));
  await page.close();
});

test("a run in which nothing can be judged is not said to hold", async () => {
  const page = await show("#/broadcast-storm?rule=drop+one+any");
  assert.match(await page.locator("#verdict b").textContent(), /Nothing was judged/);
  await page.close();
  const model = await show("#/two-way-handshake");
  assert.match(await model.locator("#verdict").textContent(), /a model, searched in \d+ ms\s*$/);
  assert.equal(await model.locator("#seed").count(), 0);
  await model.close();
});
