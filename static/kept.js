/* What is typed into a form outlives the end of a session, and a change of language: it is kept in this tab while its
   owner signs in again, and filled in anew. Secrets, files and what belongs to somebody else are never kept.
   Without this script a form that comes too late is refused, and says so. */
(function () {
  "use strict";

  var NAME = "waybill.typed", LONGEST = 12 * 3600 * 1000, MOST = 1000000;
  var here = window.location.pathname + window.location.search;
  var person = document.documentElement.getAttribute("data-person") || "";

  function read() {
    try { return JSON.parse(window.sessionStorage.getItem(NAME)); } catch (error) { return null; }
  }

  function write(kept) {
    var text = kept ? JSON.stringify(kept) : "";
    try {
      if (kept && text.length < MOST) { window.sessionStorage.setItem(NAME, text); } else { window.sessionStorage.removeItem(NAME); }
    } catch (error) { /* a browser that keeps nothing */ }
  }

  function ours(form) { return form.method === "post" && !form.hasAttribute("data-unkept"); }

  /* A secret stays where it was typed: password fields, files, what is marked so, and a value whose row is ticked secret. */
  function isSecret(field) {
    var row = field.closest("fieldset"), unless = field.getAttribute("data-secret-when");
    var tick = unless && row ? row.querySelector('input[type="checkbox"][name$="_' + unless + '"]') : null;
    return field.type === "password" || field.type === "file" || field.hasAttribute("data-secret") || (tick !== null && tick.checked);
  }

  function isTick(field) { return field.type === "checkbox" || field.type === "radio"; }

  /* Of hidden fields only those that say what was read before it was typed over, and how many rows there are. */
  function isKept(field) {
    if (!field.name || field.tagName === "BUTTON" || field.type === "submit") { return false; }
    return field.type === "hidden" ? field.name === "version" || /_count$/.test(field.name) : true;
  }

  function isTouched(form) {
    return Array.prototype.some.call(form.elements, function (field) {
      if (!isKept(field) || field.type === "hidden") { return false; }
      if (isTick(field)) { return field.checked !== field.defaultChecked; }
      if (field.tagName !== "SELECT") { return field.value !== field.defaultValue; }
      return !Array.prototype.every.call(field.options, function (option, at) {
        var first = field.querySelector("option[selected]");
        return option.selected === (first ? option.defaultSelected : at === 0);
      });
    });
  }

  function content(form) {
    var left = 0, fields = [];
    Array.prototype.forEach.call(form.elements, function (field) {
      if (!isKept(field)) { return; }
      if (isSecret(field)) { left += field.value ? 1 : 0; return; }
      fields.push(isTick(field) ? [field.name, field.value, field.checked] : [field.name, field.value]);
    });
    return { action: form.getAttribute("action"), fields: fields, secrets: left };
  }

  function keep(through, sent) {
    var forms = Array.prototype.filter.call(document.forms, function (form) {
      return ours(form) && (form === sent || isTouched(form));
    });
    if (!person || forms.length === 0) { write(null); return; }
    write({ at: here, person: person, time: Date.now(), through: through, sent: sent !== null, forms: forms.map(content) });
  }

  /* --- Filling in again --------------------------------------------------------------------------------------- */

  function of(form, name, value, tick) {
    return Array.prototype.find.call(form.elements, function (field) {
      return field.name === name && (!tick || field.value === value);
    });
  }

  function put(form, each) {
    var field = of(form, each[0], each[1], each.length === 3);
    if (!field) { return false; }
    if (each.length === 3 ? field.checked === each[2] : field.value === each[1]) { return true; }
    if (each.length === 3) { field.checked = each[2]; } else { field.value = each[1]; }
    if (field.type === "hidden") { return true; }
    var part = field.closest("details");
    if (part) { part.open = true; }
    if (field.hasAttribute("data-look")) { field.setAttribute("data-look-again", ""); return true; }
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }

  /* A form that had grown by rows is asked for with as many. */
  function grown(kept) {
    var wanted = new URLSearchParams(window.location.search), more = false;
    kept.forms.forEach(function (one) {
      var form = find(one);
      one.fields.forEach(function (each) {
        var field = /_count$/.test(each[0]) && form ? of(form, each[0]) : null;
        if (field && Number(each[1]) > Number(field.value)) { wanted.set(each[0], each[1]); more = true; }
      });
    });
    return more ? window.location.pathname + "?" + wanted.toString() : "";
  }

  function find(one) {
    return Array.prototype.find.call(document.forms, function (form) {
      return ours(form) && form.getAttribute("action") === one.action;
    });
  }

  function restore(kept) {
    var note = document.getElementById("typed-again"), more = kept.grown ? "" : grown(kept), secrets = 0, lost = 0, filled = 0;
    if (more) {
      kept.at = more; kept.grown = true;
      write(kept);
      window.location.replace(more);
      return;
    }
    write(null);
    kept.forms.forEach(function (one) {
      var form = find(one);
      if (!form) { lost += 1; return; }
      one.fields.forEach(function (each) { if (put(form, each)) { filled += 1; } else { lost += 1; } });
      secrets += one.secrets;
    });
    document.querySelectorAll("[data-look-again]").forEach(function (field) {
      field.removeAttribute("data-look-again");
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    if (note && filled) {
      note.hidden = false;
      note.querySelector("[data-if-secrets]").hidden = secrets === 0;
      note.querySelector("[data-if-lost]").hidden = lost === 0;
      note.querySelector("[data-if-sent]").hidden = !kept.sent;
    }
  }

  /* --- When ----------------------------------------------------------------------------------------------------- */

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!person || event.defaultPrevented || form.method !== "post") { return; }
    if (form.hasAttribute("data-language")) { keep("language", null); document.dispatchEvent(new Event("kept")); return; }
    if (form.hasAttribute("data-unkept")) { write(null); return; }
    keep("", form);
  });
  document.addEventListener("click", function (event) {
    if (!person || !event.target.closest("#signed-out a")) { return; }
    keep("", null);
    document.dispatchEvent(new Event("kept"));
  });

  /* After every other script of the page: they hear what is filled in. */
  document.addEventListener("DOMContentLoaded", function () {
    var kept = read();
    if (!kept) { return; }
    if (!person || document.querySelector("[data-between]")) {
      /* Signing in, or the word that something went wrong: what is kept waits. */
      if (!kept.through) { kept.through = person ? "error" : "signed"; write(kept); }
    } else if (kept.at === here && kept.person === person && kept.through && Date.now() - kept.time < LONGEST) {
      restore(kept);
    } else {
      write(null);
    }
  });
})();
