/* The controls of a view, as text for the address and back. */
"use strict";

const usaeToolbar = (toolbar) => {
  const controls = [...toolbar.querySelectorAll("input, select")];

  const changed = (control) => {
    if (control.type === "radio") return control.checked && !control.defaultChecked;
    if (control.tagName === "SELECT") return control.selectedIndex !== 0;
    return control.value !== control.defaultValue;
  };

  return {
    chosen: (name) => {
      const found = toolbar.querySelector(`input[name=${name}]:checked, select[name=${name}]`);
      return found ? found.value : "";
    },
    range: (name) => toolbar.querySelector(`input[name=${name}]`),
    /** Write the values of sliders beside them. */
    label: () => {
      for (const name of ["opacity", "threshold"]) {
        const value = toolbar.querySelector(`input[name=${name}]`).value;
        toolbar.querySelector(`output[name=${name}-shown]`).value = `${value}\u202f%`;
      }
    },
    /** What differs from the page as it is opened. */
    state: () => new URLSearchParams(controls.filter(changed).map((c) => [c.name, c.value])),
    /** Set all controls: to what the state says, the others as the page is opened. */
    set: (state) => {
      for (const control of controls) {
        const value = state.get(control.name);
        if (control.type === "radio") {
          const named = toolbar.querySelector(`input[name=${control.name}][value="${CSS.escape(value ?? "")}"]`);
          control.checked = named ? control === named : control.defaultChecked;
        } else if (control.tagName === "SELECT") {
          control.value = value ?? control.options[0].value;
          if (control.selectedIndex < 0) control.selectedIndex = 0;
        } else {
          control.value = value ?? control.defaultValue;
        }
      }
    },
  };
};
