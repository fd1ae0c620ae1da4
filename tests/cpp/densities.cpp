// Linked to every test program.
#include "glimmer/densities.h"
