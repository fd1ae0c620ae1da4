// The prior between the levels of a grouping factor: spherical effects u ~ N(0, P^-1) over the levels, on their own for
// each of the effects of a level. All there is else in H is A'WA, so that H = A'WA + P.
#ifndef GLIMMER_LEVEL_PRIOR_H
#define GLIMMER_LEVEL_PRIOR_H

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "types.h"

namespace glimmer {

class LevelPrior {
 public:
  virtual ~LevelPrior() = default;
  /// Whether P is the identity: the factor can then be eliminated level by level.
  virtual bool independent() const = 0;
  /// The entries of P on the diagonal, and those below it that are not zero: pairs of levels (smaller, larger) in
  /// increasing order, and their values.
  virtual double diagonal(Index level) const = 0;
  virtual const std::vector<std::pair<int, int>>& pairs() const = 0;
  virtual double value(Index pair) const = 0;
  /// log|P| / 2
  virtual double half_log_determinant() const = 0;
};

/// P = I.
class IndependentLevels : public LevelPrior {
 public:
  bool independent() const override { return true; }
  double diagonal(Index) const override { return 1.0; }
  const std::vector<std::pair<int, int>>& pairs() const override { return none_; }
  double value(Index) const override { return 0.0; }
  double half_log_determinant() const override { return 0.0; }

 private:
  std::vector<std::pair<int, int>> none_;
};

/// P known: the inverse of a kinship matrix, of the covariance of a phylogeny.
class KnownPrecision : public LevelPrior {
 public:
  /// The lower triangle of P by its entries, each given once: row > column, or the diagonal, which is complete.
  KnownPrecision(Index levels, const Integers& rows, const Integers& columns, const Vector& values,
                 double half_log_determinant)
      : diagonal_(Vector::Zero(levels)), half_log_determinant_(half_log_determinant) {
    const std::size_t count = rows.size();
    if (columns.size() != count || values.size() != static_cast<Index>(count))
      throw std::invalid_argument("the rows, columns and values of a precision matrix differ in number");
    std::vector<std::size_t> order;
    for (std::size_t k = 0; k < count; ++k) {
      if (columns[k] < 0 || rows[k] < columns[k] || rows[k] >= levels)
        throw std::invalid_argument("an entry of a precision matrix is not in its lower triangle");
      if (rows[k] == columns[k])
        diagonal_[rows[k]] += values[static_cast<Index>(k)];
      else
        order.push_back(k);
    }
    if (!(diagonal_.array() > 0.0).all())
      throw std::invalid_argument("the diagonal of a precision matrix must be positive");
    const auto pair = [&](std::size_t k) { return std::make_pair(columns[k], rows[k]); };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return pair(a) < pair(b); });
    values_.resize(static_cast<Index>(order.size()));
    for (std::size_t k : order) {
      if (!pairs_.empty() && pairs_.back() == pair(k))
        throw std::invalid_argument("an entry of a precision matrix is given twice");
      values_[static_cast<Index>(pairs_.size())] = values[static_cast<Index>(k)];
      pairs_.push_back(pair(k));
    }
  }

  bool independent() const override { return false; }
  double diagonal(Index level) const override { return diagonal_[level]; }
  const std::vector<std::pair<int, int>>& pairs() const override { return pairs_; }
  double value(Index pair) const override { return values_[pair]; }
  double half_log_determinant() const override { return half_log_determinant_; }

 private:
  Vector diagonal_, values_;
  std::vector<std::pair<int, int>> pairs_;
  double half_log_determinant_;
};

}  // namespace glimmer

#endif
