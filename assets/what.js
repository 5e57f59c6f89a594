// Puts each answer to "What is this?" below the field that it is for, whenever gradio draws one anew.
const room = element.closest(".row");
const answers = [...element.querySelectorAll("template")];

function put() {
  for (const answer of answers) {
    const field = document.getElementById(answer.dataset.for);
    if (field && !field.querySelector(":scope > .what")) field.append(answer.content.cloneNode(true));
  }
}

new MutationObserver(put).observe(room, { childList: true, subtree: true });
put();
