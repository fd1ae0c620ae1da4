// The one translation unit that compiles the families and links.
#include <glimmer/densities.h>
