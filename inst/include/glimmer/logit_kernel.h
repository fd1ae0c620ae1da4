// Binomial rows with logit link at the nodes of a quadrature: E = exp(a) by products of factors, and the log-density of
// a level as the logarithm of one product over its rows.
#ifndef GLIMMER_LOGIT_KERNEL_H
#define GLIMMER_LOGIT_KERNEL_H

#include "node_factors.h"
#include "special_functions.h"

namespace glimmer {

/// With y successes of n, v the prior weight times how often the row counts, and a = -eta where there are more
/// successes than failures, else eta: f = v (s a - n log(1 + exp a)), s the number of the fewer. With E = exp a the
/// probabilities of the fewer's and the other result are E / (1 + E) and 1 / (1 + E): none comes from a difference.
/// A single trial has s = 0 and n = v = 1, and the sum of f over such rows is -log prod (1 + E): no logarithm a row and
/// node.
class LogitKernel : public NodeKernel {
 public:
  LogitKernel(const Responses& responses, const EffectRows& Z) : responses_(responses), Z_(Z) {}

  void evaluate(const NodeTile& tile, int order, NodeDerivatives& out) override {
    if (order == 0)
      fill<0>(tile, out);
    else if (order == 1)
      fill<1>(tile, out);
    else
      fill<2>(tile, out);
  }

 private:
  // Two rows share a division, so that (1 + E) of both and its inverse must be normal numbers.
  static constexpr double farthest = 350.0, log_of_largest = 700.0;

  struct Row {
    double many, few, weight, sign;  ///< sign of eta in -a
    double trials() const { return many + few; }
    bool is_single() const { return many == 1.0 && few == 0.0 && weight == 1.0; }
  };

  template <int K>
  void fill(const NodeTile& tile, NodeDerivatives& out) {
    start(tile);
    const Index n = tile.rows.size();
    Index waiting = -1;
    for (Index i = 0; i < n; ++i) {
      if (!(std::abs(factors_.constant(i)) + factors_.spread_of(i) <= farthest)) {
        far_row<K>(i, out);
      } else if (!rows_[i].is_single()) {
        row_of_trials<K>(i, out);
      } else if (waiting < 0) {
        waiting = i;
      } else {
        two_rows<K>(waiting, i, out);
        waiting = -1;
      }
    }
    if (waiting >= 0) row_of_trials<K>(waiting, out);
    finish(out.f);
  }

  void start(const NodeTile& tile) {
    const Index n = tile.rows.size();
    nodes_ = tile.nodes;
    lanes_ = nodes_->lanes();
    rows_.resize(static_cast<std::size_t>(n));
    sign_.resize(n);
    for (Index i = 0; i < n; ++i) {
      const Observation o = responses_[tile.rows.begin + i];
      const double failures = o.size - o.y, weight = o.weight * o.times;
      rows_[i] = o.y > failures ? Row{o.y, failures, weight, 1.0} : Row{failures, o.y, weight, -1.0};
      sign_[i] = -rows_[i].sign;
    }
    factors_.start(tile, Z_, sign_);
    for (Vector* space : {&e_, &other_, &product_, &halvings_, &logs_})
      if (space->size() < lanes_ + lane_count) space->resize(lanes_ + lane_count);
    product_.head(lanes_).setOnes();
    logs_.head(lanes_).setZero();
    log_bound_ = 0.0;
    split_ = false;
    constant_ = 0.0;
    slope_.setZero(nodes_->effects());
  }

  /// Two single trials.
  template <int K>
  void two_rows(Index i, Index j, NodeDerivatives& out) {
    factors_.exponentials(i, sign_[i] < 0.0, e_.data());
    factors_.exponentials(j, sign_[j] < 0.0, other_.data());
    make_room(log_bound(i) + log_bound(j));
    const Lanes one = spread(1.0), sign_i = spread(rows_[i].sign), sign_j = spread(rows_[j].sign);
    for (Index k = 0; k < lanes_; k += lane_count) {
      const Lanes e = load(e_.data() + k), g = load(other_.data() + k), whole_i = one + e, whole_j = one + g;
      const Lanes both = whole_i * whole_j;
      store(load(product_.data() + k) * both, product_.data() + k);
      if constexpr (K >= 1) {
        const Lanes inverse = one / both, right_i = inverse * whole_j, right_j = inverse * whole_i;
        const Lanes wrong_i = e * right_i, wrong_j = g * right_j;
        store(sign_i * wrong_i, out.d1[0].data() + i * lanes_ + k);
        store(sign_j * wrong_j, out.d1[0].data() + j * lanes_ + k);
        if constexpr (K >= 2) {
          store(wrong_i * right_i, out.w[0].data() + i * lanes_ + k);
          store(wrong_j * right_j, out.w[0].data() + j * lanes_ + k);
        }
      }
    }
  }

  template <int K>
  void row_of_trials(Index i, NodeDerivatives& out) {
    const Row& row = rows_[i];
    factors_.exponentials(i, sign_[i] < 0.0, e_.data());
    add_line(i, row.weight * row.few);
    const double count = row.weight * row.trials(), bound = count * log_bound(i);
    const bool by_power = count == std::floor(count) && bound <= log_of_largest;
    if (by_power) make_room(bound);
    for (Index k = 0; k < lanes_; k += lane_count) {
      const Lanes e = load(e_.data() + k), whole = spread(1.0) + e;
      if (by_power)
        store(load(product_.data() + k) * power(whole, static_cast<int>(count)), product_.data() + k);
      else
        store(load(logs_.data() + k) - spread(count) * log(whole), logs_.data() + k);
      if constexpr (K >= 1) {
        const Lanes right = spread(1.0) / whole;
        derivatives<K>(row, e * right, right, i * lanes_ + k, out);
      }
    }
  }

  /// Where a product of exponentials could overflow: log(1 + exp a) = max(a, 0) + log(1 + exp(-|a|)).
  template <int K>
  void far_row(Index i, NodeDerivatives& out) {
    const Row& row = rows_[i];
    factors_.predictors(i, e_.data());
    const Lanes zero = spread(0.0), one = spread(1.0), few = spread(row.few), trials = spread(row.trials());
    for (Index k = 0; k < lanes_; k += lane_count) {
      const Lanes a = load(e_.data() + k), e = exp(-magnitude(a)), near = one / (one + e), distant = e * near;
      const Lanes f = few * a - trials * (larger(a, zero) + log(one + e));
      store(load(logs_.data() + k) + spread(row.weight) * f, logs_.data() + k);
      const LaneBits positive = below(zero, a);
      if constexpr (K >= 1)
        derivatives<K>(row, choose(positive, near, distant), choose(positive, distant, near), i * lanes_ + k, out);
    }
  }

  template <int K>
  static void derivatives(const Row& row, Lanes wrong, Lanes right, Index at, NodeDerivatives& out) {
    const Lanes d1 = spread(row.many) * wrong - spread(row.few) * right;
    store(spread(row.sign * row.weight) * d1, out.d1[0].data() + at);
    if constexpr (K >= 2) store(spread(row.weight * row.trials()) * wrong * right, out.w[0].data() + at);
  }

  static Lanes power(Lanes x, int n) {
    Lanes out = spread(1.0);
    for (;; x = x * x) {
      if (n % 2 == 1) out = out * x;
      n /= 2;
      if (n == 0) return out;
    }
  }

  /// The largest that log(1 + E) of a row can be.
  double log_bound(Index i) const { return std::max(0.0, factors_.constant(i) + factors_.spread_of(i)) + log_2; }

  /// Takes the exponents out of the products where these could overflow.
  void make_room(double bound) {
    log_bound_ += bound;
    if (log_bound_ <= log_of_largest) return;
    if (!split_) halvings_.head(lanes_).setZero();
    split_ = true;
    for (Index k = 0; k < lanes_; k += lane_count) {
      const Lanes product = load(product_.data() + k);
      store(load(halvings_.data() + k) + exponent(product), halvings_.data() + k);
      store(mantissa(product), product_.data() + k);
    }
    log_bound_ = log_2 + bound;
  }

  /// The sum over rows of v s a is a line in x.
  void add_line(Index i, double count) {
    if (count == 0.0) return;
    constant_ += count * factors_.constant(i);
    slope_ += count * factors_.slope(i);
  }

  void finish(Vector& f) {
    const double* const x = nodes_->x.data();
    for (Index k = 0; k < lanes_; k += lane_count) {
      Lanes sum = load(logs_.data() + k) - log(load(product_.data() + k)) + spread(constant_);
      if (split_) sum = sum - spread(log_2) * load(halvings_.data() + k);
      for (Index j = 0; j < slope_.size(); ++j) sum = sum + spread(slope_[j]) * load(x + j * lanes_ + k);
      store(sum, f.data() + k);
    }
  }

  const Responses& responses_;
  const EffectRows& Z_;
  NodeFactors factors_;
  const NodeSet* nodes_ = nullptr;
  Index lanes_ = 0;
  std::vector<Row> rows_;
  Vector sign_, e_, other_;
  Vector product_, halvings_, logs_;  ///< of (1 + E); binary exponents taken out of it; what is added to its logarithm
  bool split_ = false;
  double log_bound_ = 0.0, constant_ = 0.0;
  Vector slope_;
};

}  // namespace glimmer

#endif
