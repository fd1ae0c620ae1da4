// The kernel of quadrature for each density.
#ifndef GLIMMER_NODE_KERNELS_H
#define GLIMMER_NODE_KERNELS_H

#include "density_kernel.h"

namespace glimmer {

inline std::unique_ptr<NodeKernel> make_node_kernel(const Data& data) { return std::make_unique<DensityKernel>(data); }

}  // namespace glimmer

#endif
