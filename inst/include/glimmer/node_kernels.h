// The kernel of quadrature for each density. Z has the effects of all factors.
#ifndef GLIMMER_NODE_KERNELS_H
#define GLIMMER_NODE_KERNELS_H

#include "density_kernel.h"
#include "log_kernel.h"
#include "logit_kernel.h"

namespace glimmer {

inline std::unique_ptr<NodeKernel> make_node_kernel(const Data& data, const EffectRows& Z) {
  switch (data.density->form_in_exp()) {
    case FormInExp::logistic: return std::make_unique<LogitKernel>(data.responses, Z);
    case FormInExp::poisson: return std::make_unique<LogKernel>(data.responses, Z);
    default: return std::make_unique<DensityKernel>(data, Z);
  }
}

}  // namespace glimmer

#endif
