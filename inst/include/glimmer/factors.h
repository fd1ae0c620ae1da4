// Random effects: for each grouping factor how its levels enter the rows, Lambda, and the prior between its levels.
#ifndef GLIMMER_FACTORS_H
#define GLIMMER_FACTORS_H

#include <algorithm>
#include <memory>
#include <numeric>

#include "columns.h"
#include "covariance.h"
#include "level_prior.h"
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

/// One way in which the effects of a factor enter a linear predictor: of each row a level, and a row of Z.
struct Incidence {
  Integers level;     ///< n: from 0
  EffectRows Z;       ///< n x q
  int predictor = 0;  ///< which of the row's

  Index effects() const { return Z.effects(); }

  /// Keeps these rows, in this order.
  void select(const Integers& rows) {
    Integers selected(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) selected[i] = level[static_cast<std::size_t>(rows[i])];
    level = std::move(selected);
    Z.select(rows);
  }
};

/// All random effects of one grouping factor: q effects for each of its levels. Where a row belongs to several levels
/// (multiple membership), or effects enter several of its predictors, there are several incidences.
struct Factor {
  Index levels = 0;
  std::vector<Incidence> incidences;
  BlockCovariance covariance;
  std::unique_ptr<const LevelPrior> prior = std::make_unique<IndependentLevels>();

  Index effects() const { return incidences.front().effects(); }
  Index size() const { return levels * effects(); }
  const Incidence& first() const { return incidences.front(); }

  bool one_level_a_row = true;  ///< whether all incidences of a row have the same level; Factors finds out

  /// Whether its part of H is block diagonal, a block a level.
  bool separate_levels() const { return one_level_a_row && prior->independent(); }
};

/// The grouping factors of a model in the order of elimination (what can be eliminated level by level first, then most
/// levels first), Lambda at the current theta, and where each factor's spherical effects u stand in one long vector.
class Factors {
 public:
  explicit Factors(std::vector<Factor> factors) : factors_(std::move(factors)) {
    check();
    for (Factor& factor : factors_)
      for (const Incidence& incidence : factor.incidences)
        factor.one_level_a_row = factor.one_level_a_row && incidence.level == factor.first().level;
    order();
    Index start = 0;
    for (Factor& factor : factors_) {
      for (std::vector<Incidence*>& own : by_predictor(factor))
        if (own.size() > 1) sort_memberships(own);
      start_.push_back(start);
      start += factor.size();
      lambda_.push_back(Matrix::Identity(factor.effects(), factor.effects()));
      independent_ = independent_ && factor.prior->independent();
    }
    size_ = start;
  }

  Index count() const { return static_cast<Index>(factors_.size()); }
  Index rows() const { return factors_.front().first().Z.rows(); }
  Index size() const { return size_; }  ///< length of u
  Index start(Index k) const { return start_[k]; }
  const Factor& operator[](Index k) const { return factors_[k]; }
  const Matrix& lambda(Index k) const { return lambda_[k]; }

  /// How many factors are eliminated level by level: the first one, or none.
  Index eliminated() const { return factors_.front().separate_levels() ? 1 : 0; }
  /// Whether no level has anything to do with another, so that H is block diagonal.
  bool separate_levels() const { return count() == 1 && eliminated() == 1; }
  /// Whether, beside that, each row has the effects of its level once, in the first predictor.
  bool one_incidence() const {
    return separate_levels() && factors_[0].incidences.size() == 1 && factors_[0].first().predictor == 0;
  }

  /// Whether random effects enter a predictor; the last one that any enter.
  bool enter(int predictor) const {
    for (const Factor& factor : factors_)
      for (const Incidence& incidence : factor.incidences)
        if (incidence.predictor == predictor) return true;
    return false;
  }
  int last_predictor() const {
    int last = 0;
    for (const Factor& factor : factors_)
      for (const Incidence& incidence : factor.incidences) last = std::max(last, incidence.predictor);
    return last;
  }

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

  /// Lambda = I, until theta is set again.
  void set_identity() {
    for (Matrix& lambda : lambda_) lambda.setIdentity();
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

  /// Lambda' x: from the scale of b to that of u.
  Vector pulled(const Vector& x) const {
    Vector u(size_);
    for (Index k = 0; k < count(); ++k) {
      const Index q = factors_[k].effects(), levels = factors_[k].levels;
      Eigen::Map<const Matrix> from(x.data() + start_[k], q, levels);
      Eigen::Map<Matrix>(u.data() + start_[k], q, levels).noalias() = lambda_[k].transpose() * from;
    }
    return u;
  }

  /// Whether P = I for all of them.
  bool independent() const { return independent_; }

  /// P u; where P = I it is u itself, and `out` is left alone.
  const Vector& times_precision(const Vector& u, Vector& out) const {
    if (independent_) return u;
    out = u;
    for (Index k = 0; k < count(); ++k)
      if (!factors_[k].prior->independent()) multiply_prior(k, u, out);
    return out;
  }
  Vector times_precision(const Vector& u) const {
    Vector out;
    return times_precision(u, out);
  }

  /// u'P u
  double penalty(const Vector& u) const { return independent_ ? u.squaredNorm() : u.dot(times_precision(u)); }

  /// log|P| / 2 over all effects
  double half_log_precision() const {
    double sum = 0.0;
    for (const Factor& factor : factors_)
      sum += static_cast<double>(factor.effects()) * factor.prior->half_log_determinant();
    return sum;
  }

  void select_rows(const Integers& rows) {
    for (Factor& factor : factors_)
      for (Incidence& incidence : factor.incidences) incidence.select(rows);
  }

 private:
  void check() const {
    if (factors_.empty()) throw std::invalid_argument("a model needs at least one grouping factor");
    for (const Factor& factor : factors_) {
      if (factor.incidences.empty()) throw std::invalid_argument("a factor needs at least one incidence");
      for (const Incidence& incidence : factor.incidences) check(factor, incidence);
      if (factor.covariance.effects() != factor.effects())
        throw std::invalid_argument("the covariance blocks and the columns of Z differ in number");
      if (factor.covariance.theta_end() > theta_count()) throw std::invalid_argument("theta is out of range");
    }
  }

  void check(const Factor& factor, const Incidence& incidence) const {
    const Index n = factors_.front().first().Z.rows();
    if (incidence.Z.rows() != n || static_cast<Index>(incidence.level.size()) != n)
      throw std::invalid_argument("the rows of Z and of the levels differ in number");
    if (incidence.effects() != factor.effects())
      throw std::invalid_argument("the incidences of a factor differ in their effects");
    for (int level : incidence.level)
      if (level < 0 || level >= factor.levels) throw std::invalid_argument("a level is out of range");
    if (incidence.predictor < 0) throw std::invalid_argument("a predictor is out of range");
  }

  void order() {
    order_.resize(factors_.size());
    std::iota(order_.begin(), order_.end(), Index(0));
    std::stable_sort(order_.begin(), order_.end(), [this](Index a, Index b) {
      const bool first = factors_[a].separate_levels(), second = factors_[b].separate_levels();
      return first != second ? first : factors_[a].levels > factors_[b].levels;
    });
    std::vector<Factor> ordered;
    for (Index k : order_) ordered.push_back(std::move(factors_[k]));
    factors_ = std::move(ordered);
  }

  /// The incidences of a factor in each of the predictors that it enters.
  static std::vector<std::vector<Incidence*>> by_predictor(Factor& factor) {
    std::vector<std::vector<Incidence*>> out;
    for (Incidence& incidence : factor.incidences) {
      const auto same = std::find_if(out.begin(), out.end(), [&](const std::vector<Incidence*>& own) {
        return own.front()->predictor == incidence.predictor;
      });
      if (same == out.end())
        out.push_back({&incidence});
      else
        same->push_back(&incidence);
    }
    return out;
  }

  /// In every row the levels of a factor in one predictor in increasing order, so that a pair of incidences meets in
  /// blocks above the diagonal. A level that a row has twice counts once, with the sum of both rows of Z, and comes
  /// last with zeros.
  static void sort_memberships(const std::vector<Incidence*>& incidences) {
    const std::size_t count = incidences.size();
    const Index q = incidences.front()->effects(), n = incidences.front()->Z.rows();
    std::vector<RowMatrix> Z(count, RowMatrix::Zero(n, q));
    std::vector<std::pair<int, Vector>> own;
    for (Index i = 0; i < n; ++i) {
      own.clear();
      for (const Incidence* incidence : incidences) {
        const int level = incidence->level[static_cast<std::size_t>(i)];
        const Vector z = Eigen::Map<const Vector>(incidence->Z.row(i), q);
        const auto known = std::find_if(own.begin(), own.end(), [&](const auto& at) { return at.first == level; });
        if (known != own.end())
          known->second += z;
        else
          own.push_back({level, z});
      }
      std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      own.resize(count, {own.back().first, Vector::Zero(q)});
      for (std::size_t m = 0; m < count; ++m) {
        incidences[m]->level[static_cast<std::size_t>(i)] = own[m].first;
        Z[m].row(i) = own[m].second.transpose();
      }
    }
    for (std::size_t m = 0; m < count; ++m) incidences[m]->Z = EffectRows(Z[m]);
  }

  /// The part of P u that belongs to factor k, whose prior is not independent.
  void multiply_prior(Index k, const Vector& u, Vector& out) const {
    const LevelPrior& prior = *factors_[k].prior;
    const Index q = factors_[k].effects();
    for (Index h = 0; h < factors_[k].levels; ++h)
      out.segment(position(k, h), q) = prior.diagonal(h) * u.segment(position(k, h), q);
    for (std::size_t j = 0; j < prior.pairs().size(); ++j) {
      const auto [first, second] = prior.pairs()[j];
      const double value = prior.value(static_cast<Index>(j));
      out.segment(position(k, first), q) += value * u.segment(position(k, second), q);
      out.segment(position(k, second), q) += value * u.segment(position(k, first), q);
    }
  }

  std::vector<Factor> factors_;
  std::vector<Matrix> lambda_;
  Vector theta_;
  Positions order_, start_;
  Index size_ = 0;
  bool independent_ = true;
};

}  // namespace glimmer

#endif
