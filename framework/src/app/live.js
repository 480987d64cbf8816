// Swaps what has changed into the open page, and shows why a change cannot be seen.
(() => {
  let seen = null;
  let box = null;

  const show = (text) => {
    if (!text) {
      box?.remove();
      box = null;
      return;
    }
    if (!box) {
      box = document.createElement("pre");
      box.id = "headwater-live";
      box.setAttribute("role", "alert");
      Object.assign(box.style, {
        position: "fixed",
        inset: "auto 0 0 0",
        zIndex: "2147483647",
        maxHeight: "60vh",
        overflow: "auto",
        margin: "0",
        padding: "1em",
        background: "#7a1020",
        color: "#fff",
        font: "13px/1.5 ui-monospace, monospace",
        whiteSpace: "pre-wrap",
      });
    }
    box.textContent = text;
    document.body.append(box);
  };

  const swap = async () => {
    const response = await fetch(location.href, { cache: "no-store" });
    const type = response.headers.get("content-type") ?? "";
    const scripts = [...document.scripts].filter((script) => !script.src.endsWith("/.headwater/live.js"));
    if (!type.startsWith("text/html") || scripts.length > 0) {
      location.reload();
      return;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const sheets = (of) => [...of.querySelectorAll('link[rel="stylesheet"]')];
    const old = sheets(document);
    sheets(page).forEach((sheet, place) => {
      if (!old[place]) {
        document.head.append(document.adoptNode(sheet));
      } else if (old[place].getAttribute("href") !== sheet.getAttribute("href")) {
        old[place].replaceWith(document.adoptNode(sheet));
      }
    });
    const entered = new Map([...document.querySelectorAll("input[id], textarea[id]")].map((field) => [field.id, field.value]));
    document.title = page.title;
    document.body.replaceWith(document.adoptNode(page.body));
    for (const [id, value] of entered) {
      const field = document.getElementById(id);
      if (field && field.type !== "file") field.value = value;
    }
  };

  const listen = () => {
    const events = new EventSource("/.headwater/live");
    events.onmessage = async (event) => {
      const now = JSON.parse(event.data);
      const made = `${now.program} ${now.edition}`;
      if (seen !== null && seen !== made) await swap();
      seen = made;
      show(now.problems);
    };
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
    };
  };
  listen();
})();
