// Random effects: for each grouping factor the level of every row, the rows of Z, and Lambda.
#ifndef GLIMMER_FACTORS_H
#define GLIMMER_FACTORS_H

#include <algorithm>
#include <memory>
#include <numeric>

#include "columns.h"
#include "covariance.h"
#include "types.h"

namespace glimmer {

/// Rows sorted by their level, those of one level in the order given: by counting.
inline Integers sorted_by(const Integers& level, Index levels, const Integers& rows) {
  Integers next(static_cast<std::size_t>(levels + 1), 0), sorted(rows.size());
  for (int own : level) ++next[static_cast<std::size_t>(own) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  for (int i : rows) sorted[static_cast<std::size_t>(next[static_cast<std::size_t>(level[i])]++)] = i;
  return sorted;
}

/// All random effects of one grouping factor: q effects for each of its levels.
struct Factor {
  Index levels = 0;
  Integers level;   ///< n: level of each row, from 0
  EffectRows Z;     ///< n x q
  BlockCovariance covariance;

  Index effects() const { return Z.effects(); }
  Index size() const { return levels * effects(); }
};

/// The grouping factors of a model in the order of elimination (most levels first), Lambda at the current
/// theta, and where each factor's spherical effects u stand in one long vector.
class Factors {
 public:
  explicit Factors(std::vector<Factor> factors) : factors_(std::move(factors)) {
    check();
    order_by_levels();
    Index start = 0;
    for (const Factor& factor : factors_) {
      start_.push_back(start);
      start += factor.size();
      lambda_.push_back(Matrix::Identity(factor.effects(), factor.effects()));
    }
    size_ = start;
  }

  Index count() const { return static_cast<Index>(factors_.size()); }
  Index size() const { return size_; }  ///< length of u
  Index rows() const { return factors_.front().Z.rows(); }
  Index start(Index k) const { return start_[k]; }
  const Factor& operator[](Index k) const { return factors_[k]; }
  const Matrix& lambda(Index k) const { return lambda_[k]; }

  /// Position, in the order the caller gave them, of the k-th factor here.
  Index callers_position(Index k) const { return order_[k]; }

  Index theta_count() const {
    Index count = 0;
    for (const Factor& factor : factors_) count += factor.covariance.theta_count();
    return count;
  }

  void set_theta(const Vector& theta) {
    theta_ = theta;
    for (Index k = 0; k < count(); ++k) factors_[k].covariance.lambda(theta, lambda_[k]);
  }

  /// Adds the derivative with respect to theta, given that with respect to Lambda of factor k.
  void pull_back(Index k, const Matrix& lambda_bar, Vector& theta_bar) const {
    factors_[k].covariance.pull_back(theta_, lambda_bar, theta_bar);
  }

  Index position(Index k, Index level) const { return start_[k] + level * factors_[k].effects(); }

  /// b = Lambda u
  Vector scaled(const Vector& u) const {
    Vector b(size_);
    for (Index k = 0; k < count(); ++k) {
      const Index q = factors_[k].effects(), levels = factors_[k].levels;
      Eigen::Map<const Matrix> from(u.data() + start_[k], q, levels);
      Eigen::Map<Matrix>(b.data() + start_[k], q, levels).noalias() = lambda_[k] * from;
    }
    return b;
  }

  /// Rows are kept sorted by the level of the first factor: its blocks are then contiguous.
  bool rows_are_sorted() const {
    return std::is_sorted(factors_.front().level.begin(), factors_.front().level.end());
  }

  Integers sorting_permutation() const {
    Integers rows(factors_.front().level.size());
    std::iota(rows.begin(), rows.end(), 0);
    return sorted_by(factors_.front().level, factors_.front().levels, rows);
  }

  void select_rows(const Integers& rows) {
    for (Factor& factor : factors_) {
      Integers level(rows.size());
      for (std::size_t i = 0; i < rows.size(); ++i) level[i] = factor.level[rows[i]];
      factor.level = std::move(level);
      factor.Z.select(rows);
    }
  }

 private:
  void check() const {
    if (factors_.empty()) throw std::invalid_argument("a model needs at least one grouping factor");
    for (const Factor& factor : factors_) {
      const Index n = factors_.front().Z.rows();
      if (factor.Z.rows() != n || static_cast<Index>(factor.level.size()) != n)
        throw std::invalid_argument("the rows of Z and of the levels differ in number");
      if (factor.covariance.effects() != factor.effects())
        throw std::invalid_argument("the covariance blocks and the columns of Z differ in number");
      for (int level : factor.level)
        if (level < 0 || level >= factor.levels) throw std::invalid_argument("a level is out of range");
      if (factor.covariance.theta_end() > theta_count()) throw std::invalid_argument("theta is out of range");
    }
  }

  void order_by_levels() {
    order_.resize(factors_.size());
    std::iota(order_.begin(), order_.end(), Index(0));
    std::stable_sort(order_.begin(), order_.end(), [this](Index a, Index b) {
      return factors_[a].levels > factors_[b].levels;
    });
    std::vector<Factor> ordered;
    for (Index k : order_) ordered.push_back(std::move(factors_[k]));
    factors_ = std::move(ordered);
  }

  std::vector<Factor> factors_;
  std::vector<Matrix> lambda_;
  Vector theta_;
  Positions order_, start_;
  Index size_ = 0;
};

}  // namespace glimmer

#endif
