// Quadrature of the random effects of one grouping factor, or of factors nested in each other, by frozen rules: its
// verbs. A rule is placed and given its nodes; passes at any parameters are then values of one smooth function with an
// exact gradient and Hessian.
#ifndef GLIMMER_FROZEN_QUADRATURE_H
#define GLIMMER_FROZEN_QUADRATURE_H

#include "frozen_pass.h"
#include "nested_places.h"
#include "objective.h"
#include "parallel.h"
#include "wide_places.h"

namespace glimmer {

/// The log-likelihood by a frozen rule, all constants included, and its derivatives, where asked for.
struct FrozenEvaluation {
  Status status = Status::ok;
  double value = -infinity;
  Vector gradient;
  Matrix hessian;
};

/// Numbers of levels are those of all factors, one after the other as the caller gave them.
class FrozenQuadrature {
 public:
  FrozenQuadrature(const Data& data, BlockSystem& system) : data_(data), system_(system) {}

  /// Places the rule of each level at its conditional mode for some parameters, by the curvature H there, `system`
  /// factored with it; wide levels where u is, given the data.
  Status place_at_modes(const Point& point, const Vector& parameters) {
    NestedRule& own = rule();
    last_parameters_ = parameters;
    seen_.clear();
    if (nesting_->depth() > 1) {
      own.place_at(moments_at_modes(data_, *nesting_, point, system_));
      return Status::ok;
    }
    const Index q = own[0].effects();
    Matrix C(q, q);
    for (Index g = 0; g < own[0].levels(); ++g) {
      C.setIdentity();
      system_.backward_level(g, C);
      own[0].place(g, point.u.segment(g * q, q), C);
    }
    place_wide(own);
    return Status::ok;
  }

  /// Places it at mean and covariance of u given the data, as the last pass found them.
  void place_at_moments() {
    check_passed();
    rule().place_at(last_.moments);
    seen_.clear();
    place_wide(rule());
  }

  /// How many nodes each level has for each effect. Wide levels, which only an only factor has, get theirs where they
  /// have been seen since the rule was placed; the first time that is looked for, at the parameters of the last place
  /// or pass. How many each level has then in all, with those of the levels around it.
  Integers set_nodes(const Integers& nodes, const std::vector<char>& wide) {
    check(nodes, wide);
    for (Index l = 0; l < nesting_->depth(); ++l) rule()[l].set_nodes(of_factor(l, nodes), of_factor(l, wide));
    rule().join();
    place_wide(rule());
    Integers counts(nodes.size(), 0);
    for (Index l = 0; l < nesting_->depth(); ++l)
      for (Index g = 0; g < nesting_->levels(l); ++g)
        if (const NodeSet* const own = rule().nodes(l, g))
          counts[static_cast<std::size_t>(first_level(l) + g)] = static_cast<int>(own->nodes);
    return counts;
  }

  /// Places stay where responses are others; what was seen of u given the old ones does not.
  void forget_data() {
    seen_.clear();
    last_ = LevelResults();
  }

  /// To order 0 (value), 1 (gradient), 2 (Hessian).
  FrozenEvaluation pass(const Vector& parameters, int order) {
    check_nodes();
    const FrozenPoint point(data_, parameters);
    last_.moments = standard_moments(*nesting_);
    last_.values.setZero(nesting_->levels(nesting_->outermost()));
    FrozenEvaluation out;
    Vector gradient;
    Matrix hessian;
    out.value = data_.constant + sum(rule(), point, order, last_, gradient, hessian);
    last_lambda_ = point.lambda();
    last_parameters_ = parameters;
    if (!std::isfinite(out.value)) out.status = Status::value_not_finite;
    if (order > 0) out.gradient = point.gradients_outside(gradient);
    if (order > 1) {
      hessian.triangularView<Eigen::StrictlyUpper>() = hessian.transpose();
      out.hessian = point.hessian_outside(hessian, gradient);
    }
    if (out.status == Status::ok && !(out.gradient.allFinite() && out.hessian.allFinite()))
      out.status = Status::gradient_not_finite;
    return out;
  }

  /// The log-likelihood of each outermost level, without the constants of its rows, as the last pass found it; zero
  /// where a level has no rows.
  const Vector& pass_values() const { return last_.values; }

  /// The gradient of each level of the outermost factor, a row a level.
  Matrix level_gradients(const Vector& parameters) {
    check_nodes();
    const FrozenPoint point(data_, parameters);
    LevelResults results;
    results.gradients.setZero(point.inside(), nesting_->levels(nesting_->outermost()));
    Vector gradient;
    Matrix hessian;
    sum(rule(), point, 1, results, gradient, hessian);
    return point.gradients_outside(results.gradients).transpose();
  }

  /// Each level's own log-likelihood, without the constants of its rows, by other nodes at the same places; not a
  /// number where there are none. That of a level in which others lie: with the nodes that are given for these, or else
  /// those that they have. Of a level that lies in others: the mean of its log-integral over the nodes around it, these
  /// and their weights as they are.
  Vector level_values(const Vector& parameters, const Integers& nodes, const std::vector<char>& wide) {
    check(nodes, wide);
    const FrozenPoint point(data_, parameters);
    Vector out = Vector::Constant(static_cast<Index>(nodes.size()), std::numeric_limits<double>::quiet_NaN());
    for (Index l = 0; l < nesting_->depth(); ++l) {
      const Integers asked = of_factor(l, nodes);
      if (std::all_of(asked.begin(), asked.end(), [](int own) { return own == 0; })) continue;
      const NestedRule other = with_nodes(l, nodes, wide);
      auto own = out.segment(first_level(l), nesting_->levels(l));
      for (Index g = 0; g < own.size(); ++g)
        if (asked[static_cast<std::size_t>(g)] > 0) own[g] = 0.0;  // as it is where there are no rows
      if (l == nesting_->outermost())
        own = outermost_values(other, point);
      else
        for_ranges(ranges_of(rule()), [&](std::size_t, Range range) {
          FrozenPass(data_, *nesting_, rule(), point, *columns_, range, 0).judge(l, other, asked, own);
        });
    }
    return out;
  }

  /// Mean and covariance of b given the data, as the last pass found them, by factor as the caller gave them.
  std::vector<Effects> moments() const {
    check_passed();
    std::vector<Effects> out(last_.moments.size());
    for (Index l = 0, first = 0; l < nesting_->depth(); first += nesting_->effects(l++)) {
      const LevelMoments& own = last_.moments[static_cast<std::size_t>(l)];
      const Index q = nesting_->effects(l), levels = nesting_->levels(l);
      const Matrix lambda = last_lambda_.block(first, first, q, q);
      Effects& b = out[static_cast<std::size_t>(data_.factors.callers_position(l))];
      b = {lambda * own.mean, Matrix(q, q * levels)};
      for (Index g = 0; g < levels; ++g)
        b.covariances.middleCols(q * g, q) = lambda * own.covariance.middleCols(q * g, q) * lambda.transpose();
    }
    return out;
  }

 private:
  static constexpr Index most_ranges = 64, fewest_cells = 20000;

  /// Made when it is first asked for, as most models never do.
  NestedRule& rule() {
    if (rule_) return *rule_;
    nesting_ = std::make_unique<Nesting>(data_);
    columns_ = std::make_unique<MultipleColumns>(data_, nesting_->Z());
    rule_ = std::make_unique<NestedRule>(*nesting_);
    return *rule_;
  }

  /// The place of the first level of a factor among all levels as the caller has them.
  Index first_level(Index l) const {
    Index first = 0;
    for (Index k = 0; k < nesting_->depth(); ++k)
      if (data_.factors.callers_position(k) < data_.factors.callers_position(l)) first += nesting_->levels(k);
    return first;
  }

  template <class Numbers>
  Numbers of_factor(Index l, const Numbers& all) const {
    return Numbers(all.begin() + first_level(l), all.begin() + first_level(l) + nesting_->levels(l));
  }

  void check(const Integers& nodes, const std::vector<char>& wide) {
    rule();
    Index levels = 0;
    for (Index l = 0; l < nesting_->depth(); ++l) levels += nesting_->levels(l);
    if (static_cast<Index>(nodes.size()) != levels || static_cast<Index>(wide.size()) != levels)
      throw std::invalid_argument("a quadrature rule needs a number of nodes for every level");
    if (nesting_->depth() > 1 && std::any_of(wide.begin(), wide.end(), [](char is) { return is != 0; }))
      throw std::invalid_argument("levels of nested factors cannot be wide");
  }

  void check_passed() const {
    if (last_.moments.empty()) throw std::invalid_argument("there has been no pass yet");
  }

  void check_nodes() {
    rule();
    for (Index l = 0; l < nesting_->depth(); ++l)
      for (Index g = 0; g < nesting_->levels(l); ++g)
        if (!rule()[l].nodes(g)) throw std::invalid_argument("a quadrature rule has too few nodes");
  }

  /// The rule with the nodes given for levels of factor l; and, where it is the outermost, for those within them.
  NestedRule with_nodes(Index l, const Integers& nodes, const std::vector<char>& wide) {
    const Index top = nesting_->outermost();
    if (top > 0) check_nodes();
    NestedRule other = rule();
    for (Index k = l == top ? 0 : l; k <= l; ++k) {
      Integers own = of_factor(k, nodes);
      for (std::size_t g = 0; g < own.size() && k < top; ++g)
        if (own[g] == 0) own[g] = rule()[k].nodes_for_effect(static_cast<Index>(g));
      other[k].set_nodes(own, of_factor(k, wide));
    }
    other.join();
    place_wide(other);
    return other;
  }

  Vector outermost_values(const NestedRule& other, const FrozenPoint& point) {
    LevelResults results;
    results.values.setConstant(nesting_->levels(nesting_->outermost()), std::numeric_limits<double>::quiet_NaN());
    Vector gradient;
    Matrix hessian;
    sum(other, point, 0, results, gradient, hessian);
    return results.values;
  }

  void place_wide(NestedRule& rule) {
    if (!rule[0].any_wide()) return;
    seen_.resize(static_cast<std::size_t>(rule[0].levels()));
    if (last_parameters_.size() == 0) throw std::invalid_argument("wide levels need a place first");
    const FrozenPoint point(data_, last_parameters_);
    const Index levels = rule[0].levels(), together = 8;
    const auto some = [&](Index c) {
      place_wide_levels(data_, point, {c * together, std::min((c + 1) * together, levels)}, rule[0], seen_);
    };
    parallel_shares((levels + together - 1) / together, 1, data_.threads, some, data_.interrupt);
  }

  /// Ranges of outermost levels with some number of rows at nodes each, neither of which depends on the threads.
  std::vector<Range> ranges_of(const NestedRule& rule) const {
    const Index top = nesting_->outermost(), levels = nesting_->levels(top);
    const auto cells = [&](Index g) {
      Index sum = 0;
      if (rule.nodes(top, g))
        nesting_->for_leaves(top, g, [&](Index leaf) {
          sum += (1 + nesting_->rows_of(leaf).size()) * rule.nodes(0, leaf)->lanes();
        });
      return sum;
    };
    Index all = 0;
    for (Index g = 0; g < levels; ++g) all += cells(g);
    const Index together = std::max(fewest_cells, all / most_ranges);
    std::vector<Range> ranges;
    for (Index g = 0, begin = 0, own = 0; g < levels; ++g) {
      own += cells(g);
      if (own < together && g + 1 < levels) continue;
      ranges.push_back({begin, g + 1});
      begin = g + 1;
      own = 0;
    }
    return ranges;
  }

  /// Calls visit(number, range) for each of them, by threads.
  template <class Visit>
  void for_ranges(const std::vector<Range>& ranges, Visit visit) const {
    const Index count = static_cast<Index>(ranges.size());
    const auto one = [&](Index c) { visit(static_cast<std::size_t>(c), ranges[static_cast<std::size_t>(c)]); };
    parallel_shares(count, 1, count > 3 ? data_.threads : 1, one, data_.interrupt);
  }

  /// Sums over all levels, range by range, added in order.
  double sum(const NestedRule& rule, const FrozenPoint& point, int order, LevelResults& results, Vector& gradient,
             Matrix& hessian) const {
    const std::vector<Range> ranges = ranges_of(rule);
    Vector values(static_cast<Index>(ranges.size()));
    std::vector<Vector> gradients(ranges.size());
    std::vector<Matrix> hessians(ranges.size());
    for_ranges(ranges, [&](std::size_t at, Range range) {
      FrozenPass own(data_, *nesting_, rule, point, *columns_, range, order);
      values[static_cast<Index>(at)] = own.run(results);
      if (order > 0) gradients[at] = own.gradient();
      if (order > 1) hessians[at] = own.hessian();
    });
    gradient.setZero(order > 0 ? point.inside() : 0);
    if (order > 0)
      for (const Vector& own : gradients) gradient += own;
    hessian.setZero(order > 1 ? point.inside() : 0, order > 1 ? point.inside() : 0);
    if (order > 1)
      for (const Matrix& own : hessians) hessian += own;
    return values.sum();
  }

  const Data& data_;
  BlockSystem& system_;
  std::unique_ptr<const Nesting> nesting_;
  std::unique_ptr<NestedRule> rule_;
  std::unique_ptr<const MultipleColumns> columns_;
  LevelResults last_;
  Matrix last_lambda_;
  std::vector<WideLook> seen_;  ///< by level, since the rule was placed
  Vector last_parameters_;      ///< of the last place at modes or pass
};

}  // namespace glimmer

#endif
