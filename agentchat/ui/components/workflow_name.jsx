// Workflows as people call them. Filters, addresses and commands know them by their keys.

/** What people call a workflow. */
export function workflowName(name, words) {
  return Object.hasOwn(words.workflows, name) ? words.workflows[name] : name;
}

/** The same, with its key for whoever points at it. */
export function WorkflowName({ name, words }) {
  const shown = workflowName(name, words);
  return shown === name ? name : <span title={name}>{shown}</span>;
}
