// The Laplace approximation with the observed Hessian: l = h(u^) - log|R| + log|P| / 2, H = R R'.
// Its adjoint in H is -H^-1 / 2; the mode is stationary for h, so nothing reaches it directly.
#ifndef GLIMMER_LAPLACE_H
#define GLIMMER_LAPLACE_H

#include "block_system.h"
#include "integral.h"

namespace glimmer {

class Laplace : public Integral {
 public:
  Laplace(const Data& data, BlockSystem& system) : data_(data), system_(system) {}

  int order() const override { return 3; }
  bool has_fixed_curvature() const override { return data_.factors.one_incidence() && data_.active.size() == 1; }

  Value value(const Point& point) override {
    const double sum = sum_over_chunks(data_, [&](Range chunk) {
      return point.log_densities.segment(chunk.begin, chunk.size()).sum() - system_.log_determinant(chunk);
    });
    return Value(sum - system_.log_determinant_rest() - 0.5 * data_.factors.penalty(point.u) +
                 data_.factors.half_log_precision());
  }

  void adjoint(const Point& point, Adjoint& out) override {
    if (system_.block_diagonal()) {
      for_chunks(data_, [&](Index, Range chunk) {
        for (Index g = chunk.begin; g < chunk.end; ++g) system_.inverse_level(g, out.H_bar);
      });
    } else {
      system_.inverse(out.H_bar);
    }
    out.H_bar *= -0.5;
    out.mode_bar.resize(0);
    for (Vector& own : out.eta_bar) own.resize(0);
    out.d3_bar.resize(0);
    out.d4_bar.resize(0);
    for (Index k = 0; k < data_.factors.count(); ++k) {  // Z'd1 u', level by level
      const Index q = data_.factors[k].effects(), levels = data_.factors[k].levels, at = data_.factors.start(k);
      Eigen::Map<const Matrix> score(point.score.data() + at, q, levels), u(point.u.data() + at, q, levels);
      out.lambda_bar[k].noalias() = score * u.transpose();
    }
  }

 private:
  const Data& data_;
  BlockSystem& system_;
};

}  // namespace glimmer

#endif
