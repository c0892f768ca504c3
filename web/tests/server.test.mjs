// The page of a running server, in a real browser. After `cargo build`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { here, launch, open } from "./browser.mjs";

const shots = join(here, "..", "screenshots");
let browser;

before(async () => {
  await mkdir(shots, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

const frames = (page) => page.locator("[data-frame]");

/// Whether the ladder shows both FINs.
function bothEnded() {
  return document.querySelectorAll("[data-name*='FIN']").length >= 2;
}

test("a message typed at home travels over the running stack, is seen, and comes back", async () => {
  const program = process.env.NETSTRATA_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(here, "..", "..", "target"), "debug", "netstrata");
  assert.ok(existsSync(program), `${program} is missing: run \`cargo build\` first`);
  const directory = await mkdtemp(join(tmpdir(), "ns"));
  const start = async (address) => {
    const server = spawn(program, ["serve", "--no-discovery", "--link", `lan:${directory}/lan.sock`, "--publish", "127.0.0.1:0=9528", "--web", address], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, RUST_LOG: "error" } });
    let banner = "";
    for await (const chunk of server.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
      banner += chunk;
      if (banner.includes("stop:")) break;
    }
    return { server, url: banner.match(/^lab:\s+(\S+)$/m)[1] };
  };
  let { server, url } = await start("127.0.0.1:0");
  const stop = async () => { server.kill("SIGTERM"); if (server.exitCode === null) await once(server, "exit"); };
  try {
    const page = await open(browser.context, `${url}/`);
    await page.waitForSelector(".lamp:not(.broken)");
    // Only what is in view is drawn: room for all of the call.
    await page.addStyleTag({ content: ".wire { height: 3000px !important; }" });
    const message = "Hello <b>world</b>, 你好";
    await page.fill("#message", message);
    await page.click("#send");
    await page.waitForSelector("#answer");
    assert.equal(await page.locator("#answer q").textContent(), message);
    assert.equal(await page.locator("#answer q b").count(), 0);
    await page.waitForFunction(bothEnded);
    const names = await frames(page).evaluateAll((all) => all.map((one) => one.dataset.name));
    for (const name of ["gateway SYN #1", "services SYN,ACK #1", "gateway data #1", "services data #1"]) assert.ok(names.includes(name), `${name} in ${names}`);
    assert.equal(await page.locator('[data-name="gateway SYN #1"]').getAttribute("data-fate"), "delivered");
    await page.locator('[data-name="gateway data #1"]').click();
    assert.ok((await page.locator("[role=dialog] dd code").allTextContents()).includes(message));
    await page.keyboard.press("Escape");
    await page.screenshot({ path: join(shots, "live.png"), fullPage: true });
    assert.match(await page.locator(".layers").textContent(), /Your data 52/);
    assert.deepEqual(page.errors, []);
    assert.deepEqual(page.foreign, []);

    // The server goes away and comes back: the page says so and goes on.
    await stop();
    await page.waitForSelector(".lamp.broken");
    ({ server, url } = await start(new URL(url).host));
    await page.waitForSelector(".lamp:not(.broken)", { timeout: 20_000 });
    await page.click("#send");
    await page.waitForFunction(bothEnded);
    await page.close();
  } finally {
    await stop();
    await rm(directory, { recursive: true, force: true });
  }
});
