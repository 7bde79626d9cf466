// Uploads with progress: bytes on their way first, then file by file as they are learned. Without it a plain form works.
const form = document.getElementById("upload");
const progress = document.getElementById("progress");
const EVERY_MS = 700;

function tell(text, share, files = []) {
  const list = document.createElement("ul");
  for (const file of files.filter((one) => one.reason)) {
    const item = document.createElement("li");
    const name = document.createElement("bdi");
    name.textContent = file.path;
    item.className = "bad";
    item.append(name, `: ${file.reason}`);
    list.append(item);
  }
  const said = document.createElement("p");
  said.className = "strong";
  said.textContent = text;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = share ?? 0;
  bar.setAttribute("aria-label", "Upload");
  progress.replaceChildren(said, ...(share === null ? [] : [bar]), list);
}

async function follow(id) {
  for (;;) {
    const answer = await fetch(form.dataset.follow + id, { headers: { Accept: "application/json" } });
    if (!answer.ok) return tell("How far it is cannot be seen at the moment. Reload the page.", null);
    const upload = await answer.json();
    const through = upload.files.filter((file) => file.state !== "waiting").length;
    if (upload.state === "done" || upload.state === "failed") {
      tell(`${upload.done} of ${upload.total} learned${upload.failed ? `, ${upload.failed} not` : ""}. ${upload.reason}`.trim(), null, upload.files);
      const again = document.createElement("a");
      again.href = location.pathname;
      again.textContent = "Show the list";
      progress.append(again);
      form.reset();
      form.querySelector("button").disabled = false;
      return;
    }
    tell(`Learning: ${through} of ${upload.total}`, upload.total ? through / upload.total : 0, upload.files);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  form.querySelector("button").disabled = true;
  request.upload.addEventListener("progress", (at) => tell("Uploading…", at.total ? at.loaded / at.total : 0));
  request.addEventListener("load", () => {
    if (request.status === 202) return follow(JSON.parse(request.responseText).id);
    form.querySelector("button").disabled = false;
    const why = { 401: "Your session has ended: sign in again.", 403: "This form is out of date: reload the page.", 413: "These files are too large together." };
    tell(why[request.status] ?? "These files could not be taken.", null);
  });
  request.addEventListener("error", () => {
    form.querySelector("button").disabled = false;
    tell("The connection failed. Try again.", null);
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(new FormData(form));
});

document.addEventListener("click", (event) => {
  const sure = event.target.closest?.("[data-sure]");
  if (sure && !confirm(sure.dataset.sure)) event.preventDefault();
});
