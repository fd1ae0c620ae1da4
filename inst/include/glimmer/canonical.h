// The canonical pairs, binomial-logit and Poisson-log, a block of rows at a time on Eigen's vectorised arithmetic: one
// exponential a row gives every derivative, and a block with one trial a row takes one logarithm a level.
#ifndef GLIMMER_CANONICAL_H
#define GLIMMER_CANONICAL_H

#include "density.h"
#include "family.h"
#include "link.h"

namespace glimmer {

constexpr Index rows_in_block = 128;
using BlockArray = Eigen::Array<double, Eigen::Dynamic, 1, Eigen::ColMajor, rows_in_block, 1>;

/// Up to rows_in_block rows, made up with empty ones to a multiple of eight, the longest vectors there are: a row's
/// derivatives must not depend on whether it is handled by vector or, at the end, by scalar instructions.
struct RowBlock {
  Index size, padded;
  bool single;  ///< one trial, weight one, in every row; `trials` and `weight` are then not filled
  BlockArray y, trials, weight, eta;

  RowBlock(const Responses& responses, Range range, const Vector& all_eta)
      : size(range.size()), padded((size + 7) / 8 * 8),
        single(is_one(responses.size) && is_one(responses.weight)), y(padded), trials(single ? 0 : padded),
        weight(single ? 0 : padded), eta(padded) {
    copy(responses.y, range, y);
    if (!single) {
      copy(responses.size, range, trials);
      copy(responses.weight, range, weight);
    }
    std::copy_n(all_eta.data() + range.begin, size, eta.data());
    eta.tail(padded - size).setZero();
  }

  /// Whether no exponential of eta, times a weight, overflows or is lost. What is further out, or not a number, is left
  /// to the code for single rows.
  bool moderate() const {
    return (eta.abs() < 600.0).all() && (single || ((weight < 1e40).all() && (trials < 1e40).all()));
  }

 private:
  static bool is_one(const Column& column) { return column.constant() && column[0] == 1.0; }
  void copy(const Column& column, Range range, BlockArray& out) const {
    column.copy(range, out.data());
    out.tail(padded - size).setZero();
  }
};

/// Puts a derivative in the first predictor where it goes, if it is asked for.
template <class Values>
void put(RowDerivatives& out, int order, Index at, Index n, const Values& values) {
  if (double* const column = out.column(order, 0)) Eigen::Map<Eigen::ArrayXd>(column + at, n) = values.head(n);
}

/// What a pair has of its own: `known`, derivatives<K>(first element of out, out), log_density() of every row of the
/// block, add_up(begin, end, sum, size): the sums of f and |f| over a part of it.
template <class Family, class Link>
struct Canonical {
  static constexpr bool known = false;
};

/// With x = |eta|, e = exp(-x) and r = 1 / (1 + e), the probabilities of the likelier and the other result are r and
/// e r: none comes from a difference. With one trial a row the result that did not come has the linear predictor
/// against_ = (1 - 2 y) eta.
template <>
class Canonical<BinomialFamily, LogitLink> {
 public:
  static constexpr bool known = true;

  explicit Canonical(const RowBlock& rows)
      : rows_(rows), e_((-rows.eta.abs()).exp()), binary_(rows.single && (rows.y * (1.0 - rows.y) == 0.0).all()) {
    if (binary_) {
      sign_ = 1.0 - 2.0 * rows.y;
      against_ = sign_ * rows.eta;
    }
  }

  template <int K>
  void derivatives(Index at, RowDerivatives& out) const {
    if constexpr (K == 0) return;
    const BlockArray likelier = (1.0 + e_).inverse(), other = e_ * likelier;
    if (binary_)
      of_one_trial<K>(likelier, other, at, out);
    else
      of_trials<K>(likelier, other, at, out);
  }

  BlockArray log_density() const {
    if (rows_.single) return -(linear() + e_.unaryExpr([](double e) { return std::log1p(e); }));
    return -(rows_.weight * (linear() + rows_.trials * e_.unaryExpr([](double e) { return std::log1p(e); })));
  }

  /// sum log(1 + e) = log prod(1 + e): a product of 128 numbers between 1 and 2 does not overflow.
  void add_up(Index begin, Index end, double& sum, double& size) const {
    const Index n = end - begin;
    double part;
    if (binary_)
      part = -against_.segment(begin, n).max(0.0).sum() - std::log((1.0 + e_.segment(begin, n)).prod());
    else
      part = part_of_trials(begin, n);
    sum += part;
    size -= part;  // no f is positive
  }

 private:
  template <int K>
  void of_one_trial(const BlockArray& likelier, const BlockArray& other, Index at, RowDerivatives& out) const {
    const Index n = rows_.size;
    const BlockArray wrong = (against_ > 0.0).select(likelier, other);
    if constexpr (K >= 1) put(out, 1, at, n, -(sign_ * wrong));
    if constexpr (K >= 2) {
      const BlockArray w = likelier * other;
      put(out, 2, at, n, w);
      if constexpr (K >= 3) {
        const BlockArray right = (against_ > 0.0).select(other, likelier), skew = w * sign_ * (right - wrong);
        put(out, 3, at, n, skew);
        if constexpr (K >= 4) put(out, 4, at, n, (w * (1.0 - 6.0 * w)));
        if constexpr (K >= 5) put(out, 5, at, n, (skew * (1.0 - 12.0 * w)));
      }
    }
  }

  template <int K>
  void of_trials(const BlockArray& likelier, const BlockArray& other, Index at, RowDerivatives& out) const {
    const Index n = rows_.size;
    const BlockArray trials = rows_.single ? BlockArray(BlockArray::Ones(rows_.padded)) : rows_.trials;
    const BlockArray weight = rows_.single ? trials : rows_.weight;
    const BlockArray p = (rows_.eta > 0.0).select(likelier, other), q = (rows_.eta > 0.0).select(other, likelier);
    if constexpr (K >= 1)
      put(out, 1, at, n, (weight * (rows_.y * q - (trials - rows_.y) * p)));
    if constexpr (K >= 2) {
      const BlockArray product = likelier * other, w = weight * trials * product;
      put(out, 2, at, n, w);
      if constexpr (K >= 3) put(out, 3, at, n, (w * (q - p)));
      if constexpr (K >= 4) put(out, 4, at, n, (w * (1.0 - 6.0 * product)));
      if constexpr (K >= 5) put(out, 5, at, n, (w * (q - p) * (1.0 - 12.0 * product)));
    }
  }

  double part_of_trials(Index begin, Index n) const {
    const auto y = rows_.y.segment(begin, n), eta = rows_.eta.segment(begin, n), e = e_.segment(begin, n);
    if (rows_.single) return -(y * (-eta).max(0.0) + (1.0 - y) * eta.max(0.0)).sum() - std::log((1.0 + e).prod());
    const auto trials = rows_.trials.segment(begin, n), weight = rows_.weight.segment(begin, n);
    return -(weight * (y * (-eta).max(0.0) + (trials - y) * eta.max(0.0) +
                       trials * e.unaryExpr([](double x) { return std::log1p(x); }))).sum();
  }

  /// -f without the logarithm: y max(-eta, 0) + (trials - y) max(eta, 0)
  BlockArray linear() const {
    if (rows_.single) return rows_.y * (-rows_.eta).max(0.0) + (1.0 - rows_.y) * rows_.eta.max(0.0);
    return rows_.y * (-rows_.eta).max(0.0) + (rows_.trials - rows_.y) * rows_.eta.max(0.0);
  }

  const RowBlock& rows_;
  BlockArray e_;
  bool binary_;
  BlockArray sign_, against_;
};

template <>
class Canonical<PoissonFamily, LogLink> {
 public:
  static constexpr bool known = true;

  explicit Canonical(const RowBlock& rows) : rows_(rows), mu_(rows.eta.exp()) {}

  template <int K>
  void derivatives(Index at, RowDerivatives& out) const {
    const Index n = rows_.size;
    if constexpr (K >= 1) put(out, 1, at, n, weighted(rows_.y - mu_));
    if constexpr (K >= 2) {
      const BlockArray w = weighted(mu_);  // and so are all that follow
      for (int k = 2; k <= K; ++k) put(out, k, at, n, w);
    }
  }

  BlockArray log_density() const { return weighted(rows_.y * rows_.eta - mu_); }

  void add_up(Index begin, Index end, double& sum, double& size) const {
    const Index n = end - begin;
    BlockArray part = rows_.y.segment(begin, n) * rows_.eta.segment(begin, n) - mu_.segment(begin, n);
    if (!rows_.single) part *= rows_.weight.segment(begin, n);
    sum += part.sum();
    size += part.abs().sum();
  }

 private:
  BlockArray weighted(BlockArray values) const {
    if (!rows_.single) values *= rows_.weight;
    return values;
  }

  const RowBlock& rows_;
  BlockArray mu_;
};

}  // namespace glimmer

#endif
