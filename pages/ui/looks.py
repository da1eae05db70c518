"""What themes cannot say: ink on primary buttons in the dark look, and roles that Streamlit's navigation lacks."""

import streamlit as st

# The dark look's accent is light, so that it can be read as text on the page; white on it could not.
STYLE = """<style>
button[kind="primary"] p, button[kind="primaryFormSubmit"] p, button[kind="primary"] span {
  color: light-dark(#FFFFFF, #0A131B);
}
[data-testid="stCode"] .token.parameter { color: inherit; }
</style>"""
# Streamlit puts the sections of the navigation into a list whose entries are no list items. Screen readers are told
# to take the links as links; the navigation landmark around them stays. The list is drawn anew at every visit.
ROLES = """<script>
(() => {
  const plain = () => {
    const items = '[data-testid="stSidebarNavItems"]';
    for (const item of document.querySelectorAll(`${items}, ${items} li`))
      if (item.getAttribute("role") !== "none") item.setAttribute("role", "none");
    for (const block of document.querySelectorAll('[data-testid="stCode"] pre:not([tabindex])'))
      block.setAttribute("tabindex", "0");
  };
  if (!window.medlensRoles) {
    window.medlensRoles = new MutationObserver(plain);
    window.medlensRoles.observe(document.body, { childList: true, subtree: true });
  }
  plain();
})();
</script>"""


def dress() -> None:
    """Put both on the page; call it once, in app.py."""
    st.html(STYLE)
    st.html(ROLES, unsafe_allow_javascript=True)
