// Replaces the changed parts of the open page, and shows the errors that prevent a change from appearing.
(() => {
  // The program and edition of this page, and the latest ones.
  let seen = null;
  let made = null;
  let problems = "";
  let swapping = false;
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

  // Returns the fields of a page, each with a key that identifies it in the next version of the page.
  const fields = (of) => {
    const known = new Map();
    return [...of.querySelectorAll("input, select, textarea")].map((field) => {
      const choice = ["checkbox", "radio"].includes(field.type) ? field.value : "";
      const name = JSON.stringify([field.id, field.name, field.type, choice]);
      const place = known.get(name) ?? 0;
      known.set(name, place + 1);
      return [`${name} ${place}`, field];
    });
  };

  const selected = (field) => [...field.options].filter((option) => option.selected).map((option) => option.value);

  const preselected = (field) => {
    const options = [...field.options];
    const marked = options.filter((option) => option.defaultSelected);
    const shown = marked.length > 0 || field.multiple ? marked : options.slice(0, 1);
    return shown.map((option) => option.value);
  };

  // Returns the value entered since the page was loaded; undefined if the field has its original value.
  const entered = (field) => {
    switch (field.type) {
      case "hidden":
      case "file":
      case "submit":
      case "button":
      case "reset":
      case "image":
        return undefined;
      case "checkbox":
      case "radio":
        return field.checked === field.defaultChecked ? undefined : field.checked;
      case "select-one":
      case "select-multiple": {
        const now = selected(field);
        return JSON.stringify(now) === JSON.stringify(preselected(field)) ? undefined : now;
      }
      default:
        return field.value === field.defaultValue ? undefined : field.value;
    }
  };

  const enter = (field, value) => {
    if (Array.isArray(value)) {
      for (const option of field.options) option.selected = value.includes(option.value);
    } else if (typeof value === "boolean") {
      field.checked = value;
    } else {
      field.value = value;
    }
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
    const values = new Map(fields(document).map(([name, field]) => [name, entered(field)]));
    document.title = page.title;
    document.body.replaceWith(document.adoptNode(page.body));
    for (const [name, field] of fields(document)) {
      const value = values.get(name);
      if (value !== undefined) enter(field, value);
    }
  };

  // Replaces the page until it is current. Retries requests that fail, for example while the program restarts.
  const follow = async () => {
    if (swapping) return;
    swapping = true;
    while (seen !== made) {
      const wanted = made;
      try {
        if (seen !== null) await swap();
        seen = wanted;
      } catch {
        await new Promise((done) => setTimeout(done, 500));
      }
    }
    swapping = false;
    show(problems);
  };

  const listen = () => {
    const events = new EventSource("/.headwater/live");
    events.onmessage = (event) => {
      const now = JSON.parse(event.data);
      made = `${now.program} ${now.edition}`;
      problems = now.problems;
      show(problems);
      follow();
    };
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
    };
  };
  listen();
})();
