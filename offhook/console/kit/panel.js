// Shows markup that the server made, and changes only what differs from what is shown: focus,
// selection, what somebody types and open details stay as they are.
function keyOf(node) {
  return node.nodeType === 1 ? node.getAttribute("data-key") : null;
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

function patchAttributes(shown, wanted) {
  for (const { name, value } of wanted.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  for (const { name } of [...shown.attributes]) {
    if (wanted.hasAttribute(name)) continue;
    if (name === "open" && shown.nodeName === "DETAILS") continue;
    shown.removeAttribute(name);
  }
}

function patchChildren(shown, wanted) {
  const keyed = new Map();
  for (const child of shown.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let place = shown.firstChild;
  for (const next of [...wanted.childNodes]) {
    const known = keyOf(next) === null ? null : keyed.get(keyOf(next));
    if (known && known !== place) {
      shown.insertBefore(known, place);
      place = known;
    }
    if (place && alike(place, next)) {
      if (place.nodeType !== 1) {
        if (place.nodeValue !== next.nodeValue) place.nodeValue = next.nodeValue;
      } else if (!place.hasAttribute("data-keep")) {
        patchAttributes(place, next);
        patchChildren(place, next);
      }
      place = place.nextSibling;
    } else {
      shown.insertBefore(next, place);
    }
  }
  while (place) {
    const after = place.nextSibling;
    place.remove();
    place = after;
  }
}

// Where the server cuts markup too, to tell what was there before by its number.
const CUT = /(?=<(?:div|section|header|article|figure|tr|td|li)[ >])/;

// Instants come as UTC and are shown in the zone of whoever looks.
function localise(root) {
  for (const one of root.querySelectorAll("time[datetime]")) {
    const at = new Date(one.dateTime);
    if (isNaN(at)) continue;
    const day = { day: "2-digit", month: "short" };
    const clock = { hour: "2-digit", minute: "2-digit", hour12: false };
    const parts = {
      clock: { ...clock, second: "2-digit" },
      day: { ...day, year: "numeric" },
      both: { ...day, ...clock },
    }[one.dataset.as || "both"];
    one.textContent = new Intl.DateTimeFormat("en-GB", parts).format(at);
    one.title = at.toISOString();
  }
  window.offhookTick?.(root);
}

export default {
  template: `<div></div>`,
  props: { html: String, frame: Number },
  mounted() {
    this.at = this.frame;
    this.text = this.html;
    this.$el.innerHTML = this.html;
    localise(this.$el);
    this.$el.addEventListener("click", this.clicked);
    this.$el.addEventListener("submit", this.submitted);
    this.$el.addEventListener("change", this.changed);
    this.$el.addEventListener("input", this.changed);
  },
  methods: {
    change(frame, parts) {
      if (frame !== this.at + 1) {
        this.$emit("missed");
        return;
      }
      const old = this.text.split(CUT);
      const made = parts.map((one) => (typeof one === "string" ? one : old.slice(one[0], one[0] + one[1]).join("")));
      this.show(frame, made.join(""));
    },
    show(frame, html) {
      this.at = frame;
      this.text = html;
      const wanted = document.createElement("div");
      wanted.innerHTML = html;
      localise(wanted);
      patchChildren(this.$el, wanted);
      window.offhookHeard?.();
    },
    clicked(event) {
      const target = event.target.closest("[data-act]");
      if (!target || target.nodeName === "FORM" || target.matches("input, select, textarea")) return;
      event.preventDefault();
      this.$emit("act", { act: target.dataset.act, of: target.dataset.of || "", values: {} });
    },
    submitted(event) {
      const form = event.target;
      if ("plain" in form.dataset) return;
      event.preventDefault();
      if (event.submitter?.dataset.act) return;
      this.$emit("act", { act: form.dataset.act, of: form.dataset.of || "", values: valuesOf(form) });
    },
    changed(event) {
      const target = event.target;
      if (target.type === "file" && target.dataset.upload) {
        if (event.type === "change") this.upload(target);
        return;
      }
      const act = target.dataset[event.type === "input" ? "input" : "change"];
      if (!act) return;
      const form = target.form;
      this.$emit("act", { act, of: target.dataset.of || "", values: form ? valuesOf(form) : { [target.name]: target.value } });
    },
    async upload(target) {
      const file = target.files[0];
      if (!file) return;
      const told = { act: target.dataset.act, of: "", values: { name: file.name } };
      if (file.size > Number(target.dataset.most)) {
        told.values.error = "too_large";
      } else {
        try {
          const answer = await fetch(target.dataset.upload, {
            method: "POST",
            body: file,
            headers: { "content-type": "application/octet-stream" },
          });
          if (answer.ok) told.values.upload = (await answer.json()).upload;
          else told.values.error = `${answer.status}`;
        } catch {
          told.values.error = "unreachable";
        }
      }
      this.$emit("act", told);
    },
  },
};

function valuesOf(form) {
  const values = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string") values[name] = name in values ? `${values[name]}\n${value}` : value;
  }
  return values;
}
