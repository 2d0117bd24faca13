/** On a narrow screen navigation and filters start folded, so that they do not push the page's content down. */
const folds = document.querySelectorAll("details.menu, details.fold");
const narrow = matchMedia("(max-width: 600px)");

function fit() {
  for (const fold of folds) fold.open = !narrow.matches;
}

narrow.addEventListener("change", fit);
fit();
