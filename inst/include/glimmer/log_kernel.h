// Poisson rows with log link at the nodes of a quadrature: mu by products of factors, the rest of the log-density of a
// level one line in the nodes.
#ifndef GLIMMER_LOG_KERNEL_H
#define GLIMMER_LOG_KERNEL_H

#include "node_factors.h"

namespace glimmer {

/// f = v (y eta - mu), v the prior weight times how often the row counts. An eta beyond 230, mu = 1e100, is taken for
/// that: nothing is left of the density there, and squares of the derivatives still are numbers.
class LogKernel : public NodeKernel {
 public:
  LogKernel(const Responses& responses, const EffectRows& Z) : responses_(responses), Z_(Z) {}

  void evaluate(const NodeTile& tile, int order, NodeDerivatives& out) override {
    const Index n = tile.rows.size(), lanes = tile.nodes->lanes();
    sign_.setOnes(n);
    factors_.start(tile, Z_, sign_);
    if (e_.size() < lanes + lane_count) e_.resize(lanes + lane_count);
    constant_ = 0.0;
    slope_.setZero(tile.nodes->effects());
    std::fill_n(out.f.data(), lanes, 0.0);
    for (Index i = 0; i < n; ++i) {
      Observation o = responses_[tile.rows.begin + i];
      o.weight *= o.times;
      if (std::abs(factors_.constant(i)) + factors_.spread_of(i) <= farthest)
        near_row(i, o.weight * o.y);
      else
        far_row(i, o.weight * o.y, lanes, out.f);
      add(o, i * lanes, lanes, order, out);
    }
    add_line(*tile.nodes, out.f);
  }

 private:
  static constexpr double farthest = 230.0;

  void near_row(Index i, double count) {
    factors_.exponentials(i, false, e_.data());
    constant_ += count * factors_.constant(i);
    slope_ += count * factors_.slope(i);
  }

  void far_row(Index i, double count, Index lanes, Vector& f) {
    factors_.predictors(i, e_.data());
    for (Index k = 0; k < lanes; k += lane_count) {
      const Lanes eta = smaller(load(e_.data() + k), spread(farthest));
      store(load(f.data() + k) + spread(count) * eta, f.data() + k);
      store(exp(eta), e_.data() + k);
    }
  }

  void add(const Observation& o, Index at, Index lanes, int order, NodeDerivatives& out) {
    const Lanes weight = spread(o.weight), weighted = spread(o.weight * o.y);
    for (Index k = 0; k < lanes; k += lane_count) {
      const Lanes mu = weight * load(e_.data() + k);
      store(load(out.f.data() + k) - mu, out.f.data() + k);
      if (order >= 1) store(weighted - mu, out.d1[0].data() + at + k);
      if (order >= 2) store(mu, out.w[0].data() + at + k);
    }
  }

  /// The sum over rows of v y eta.
  void add_line(const NodeSet& nodes, Vector& f) const {
    const Index lanes = nodes.lanes();
    for (Index k = 0; k < lanes; k += lane_count) {
      Lanes sum = load(f.data() + k) + spread(constant_);
      for (Index j = 0; j < slope_.size(); ++j)
        sum = sum + spread(slope_[j]) * load(nodes.x.data() + j * lanes + k);
      store(sum, f.data() + k);
    }
  }

  const Responses& responses_;
  const EffectRows& Z_;
  NodeFactors factors_;
  Vector sign_, e_, slope_;
  double constant_ = 0.0;
};

}  // namespace glimmer

#endif
