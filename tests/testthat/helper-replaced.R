# Code with another function in place of one of the package's.
with_replaced <- function(name, replacement, code) {
  namespace <- asNamespace("glimmer")
  original <- get(name, namespace)
  put <- function(value) {
    unlockBinding(name, namespace)
    assign(name, value, namespace)
    lockBinding(name, namespace)
  }
  on.exit(put(original))
  put(replacement)
  code
}
