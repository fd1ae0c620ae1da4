// A pass over a range of the outermost levels at the nodes of their frozen rules: value, gradient and Hessian of the
// rule by Louis' formula (1982, Journal of the Royal Statistical Society B 44:226), exactly, as eta is linear in the
// parameters at a node whose u does not move. With one factor
//
//   l = sum_g l_g ,  dl = sum_g sum_k pi_k s_k ,  d2l = sum_g [ sum_k pi_k ds_k + sum_k pi_k s_k s_k' - s_g s_g' ] ,
//
// each level as often as it counts. With nested ones, levels that lie in a level g are independent given its node, so
// that the covariance of the score over all nodes is taken apart from the inside out: at each level E Cov(s | c) about
// the means given the nodes c of the levels around it, and these means are summed up to the score of the level around
// it.
#ifndef GLIMMER_FROZEN_PASS_H
#define GLIMMER_FROZEN_PASS_H

#include "level_scores.h"
#include "node_kernels.h"
#include "row_curvature.h"

namespace glimmer {

/// What a pass gives of each level, once; nothing where there is no space for it.
struct LevelResults {
  Vector values;                      ///< of the outermost levels
  std::vector<LevelMoments> moments;  ///< by factor
  Matrix gradients;                   ///< a column an outermost level
};

class FrozenPass {
 public:
  /// Of a range of outermost levels, to order 0 (value), 1 (gradient) or 2 (Hessian).
  FrozenPass(const Data& data, const Nesting& nesting, const NestedRule& rule, const FrozenPoint& point,
             const MultipleColumns& columns, Range levels, int order)
      : data_(data), nesting_(nesting), rule_(&rule), point_(point), levels_(levels), order_(order),
        sizes_(nesting, rule, levels), kernel_(make_node_kernel(data, nesting.Z())),
        stages_(static_cast<std::size_t>(nesting.depth())), gradient_(Vector::Zero(point.inside())),
        own_gradient_(gradient_) {
    for (int a = 0; a < point.predictors(); ++a) fixed_.push_back(point.fixed_part(a, sizes_.runs));
    tile_.lambda = &point.lambda();
    tile_.fixed.resize(fixed_.size());
    const EffectRows& Z = nesting.Z();
    if (order > 0) scores_ = std::make_unique<LevelScores>(data, Z, point, columns, sizes_.rows);
    if (order > 1) curvature_ = std::make_unique<RowCurvature>(Z, point, sizes_.lanes, sizes_.rows);
  }

  /// Goes through the levels that have nodes. The sum of their log-likelihoods.
  double run(LevelResults& results) {
    double value = 0.0;
    for (Index g = levels_.begin; g < levels_.end; ++g) {
      if (!rule_->nodes(nesting_.outermost(), g)) continue;
      const double own = integrate_all(g);
      copies_ = data_.copies_of_level(nesting_.outermost(), g);
      if (results.values.size() > 0) results.values[g] = own;
      if (copies_ > 0.0) value += copies_ * own;
      if (order_ > 0 || !results.moments.empty()) differentiate_all(g, results);
    }
    return value;
  }

  /// For each level of factor l, not the outermost, for which it is asked: the mean of its log-integrals by another
  /// rule over the nodes of the levels around it. Their weights are those of the pass's rule, their nodes of both.
  void judge(Index l, const NestedRule& other, const Integers& asked, Eigen::Ref<Vector> values) {
    const Index top = nesting_.outermost();
    for (Index g = levels_.begin; g < levels_.end; ++g) {
      if (!any_asked(top, g, l, asked)) {
        pass_rows(top, g);
        continue;
      }
      integrate_all(g);
      go_back();
      judge_within(top, g, nullptr, l, other, asked, values);
    }
  }

  const Vector& gradient() const { return gradient_; }
  /// Its lower triangle.
  Matrix& hessian() { return curvature_->hessian(); }

 private:
  /// Rows of a level are taken together so long as they have not more cells than this, a cell a row at a node; and what
  /// rows of an outermost level have at their nodes is kept, until its weights are known, up to so many cells.
  static constexpr Index cells_together = 32768, most_kept = 262144;

  static Index rows_together(Index lanes) { return std::max<Index>(1, cells_together / lanes); }

  /// The most that any tile of the range has; the rows in the order in which they are visited.
  struct Sizes {
    Index lanes = 0, rows = 0;
    std::vector<Range> runs;

    Sizes(const Nesting& nesting, const NestedRule& rule, Range levels) {
      for (Index g = levels.begin; g < levels.end; ++g) {
        if (!rule.nodes(nesting.outermost(), g)) continue;
        const auto add_leaf = [&](Index leaf) { add(nesting.rows_of(leaf), rule.nodes(0, leaf)); };
        nesting.for_leaves(nesting.outermost(), g, add_leaf);
      }
    }

    void add(Range own, const NodeSet* nodes) {
      const Index n = std::min(own.size(), rows_together(nodes->lanes()));
      lanes = std::max(lanes, nodes->lanes());
      rows = std::max(rows, n);
      if (!runs.empty() && runs.back().end == own.begin)
        runs.back().end = own.end;
      else
        runs.push_back(own);
    }
  };

  /// What belongs to a factor. Levels come in the same order in both directions: each has its place in that order.
  struct Stage {
    LevelNodes nodes;
    Vector log_density, values;       ///< at each node; at each node of the levels around
    NodeScores scores;                ///< of a level that is not innermost
    std::vector<Vector> given_outer;  ///< pi_k|c of each level
    std::size_t next = 0;
  };

  Stage& stage(Index l) { return stages_[static_cast<std::size_t>(l)]; }
  const LevelNodes* around(Index l) { return l == nesting_.outermost() ? nullptr : &stage(l + 1).nodes; }

  double integrate_all(Index g) {
    first_row_ = next_row_;
    kept_cells_ = 0;
    for (Stage& own : stages_) own.next = 0;
    integrate(nesting_.outermost(), g);
    return stages_.back().values[0];
  }

  /// To the first of the levels within the outermost one.
  void go_back() {
    for (Stage& own : stages_) own.next = 0;
    next_row_ = first_row_;
  }

  /// From the inside out: the log-integrals of a level, and of all that lies in it, at the nodes of the levels around.
  void integrate(Index l, Index g) {
    if (nesting_.left_out(l, g)) return leave_out(l, g);
    Stage& own = stage(l);
    own.nodes.set(*rule_, l, g, around(l));
    const Index lanes = own.nodes.lanes();
    if (own.log_density.size() < lanes) own.log_density.resize(lanes);
    const std::size_t place = own.next++;
    if (own.given_outer.size() <= place) own.given_outer.resize(place + 1);
    own.log_density.head(lanes).setZero();
    if (l == 0)
      add_rows(g, place);
    else
      nesting_.for_children(l, g, [&](Index child) {
        integrate(l - 1, child);
        const Index nodes = own.nodes.nodes().nodes;
        own.log_density.head(nodes) += stage(l - 1).values.head(nodes);
      });
    own.nodes.weigh(own.log_density.head(lanes), own.given_outer[place], own.values);
  }

  /// A level none of whose rows counts: the integral is 1, whatever the rule.
  void leave_out(Index l, Index g) {
    const LevelNodes* const outer = around(l);
    stage(l).values.setZero(outer ? outer->nodes().nodes : 1);
    pass_rows(l, g);
  }

  void pass_rows(Index l, Index g) {
    nesting_.for_leaves(l, g, [&](Index leaf) { next_row_ += nesting_.rows_of(leaf).size(); });
  }

  /// The log-density of an innermost level's rows. Their derivatives are kept where there is room.
  void add_rows(Index g, std::size_t place) {
    Stage& own = stages_.front();
    const Range rows = nesting_.rows_of(g);
    const Index lanes = own.nodes.lanes(), cells = rows.size() * lanes;
    const bool keep = order_ > 0 && rows.size() <= rows_together(lanes) && kept_cells_ + cells <= most_kept;
    if (kept_.size() <= place) kept_.resize(place + 1);
    kept_[place].is_there = keep;
    NodeDerivatives& out = keep ? kept_[place].derivatives : derivatives_;
    if (keep) kept_cells_ += cells;
    for_tiles(rows, keep ? order_ : 0, out, [&](Range) { own.log_density.head(lanes) += out.f.head(lanes); });
    next_row_ += rows.size();
  }

  void differentiate_all(Index g, LevelResults& results) {
    go_back();
    own_gradient_.setZero();
    differentiate(nesting_.outermost(), g, nullptr, own_gradient_.data(), 1, results);
    if (order_ > 0) gradient_ += copies_ * own_gradient_;
    if (results.gradients.size() > 0) results.gradients.col(g) = own_gradient_;
  }

  /// From the outside in, given the weights of the nodes of the levels around. The means of the score at these are
  /// added to `to`, from one parameter to the next `step`.
  void differentiate(Index l, Index g, const double* outer_pi, double* to, Index step, LevelResults& results) {
    if (nesting_.left_out(l, g)) return pass_rows(l, g);
    Stage& own = stage(l);
    const std::size_t place = own.next++;
    if (own.nodes.level() != g) own.nodes.set(*rule_, l, g, around(l));
    own.nodes.condition(own.given_outer[place], outer_pi);
    if (!results.moments.empty()) own.nodes.moments(results.moments[static_cast<std::size_t>(l)]);
    if (l == 0) return differentiate_rows(g, place, to, step);
    if (order_ > 0) own.scores.start(own.nodes.lanes(), point_.inside());
    nesting_.for_children(l, g, [&](Index child) {
      differentiate(l - 1, child, own.nodes.pi().data(), order_ > 0 ? own.scores.column(0) : nullptr,
                    own.nodes.lanes(), results);
    });
    if (order_ == 0) return;
    own.scores.find_means(own.nodes);
    for (Index j = 0; j < point_.inside(); ++j) own.scores.add_means(j, 1.0, to + j * step);
    if (order_ == 1) return;
    own.scores.find_products(own.nodes, 0);
    for (Index j = 0; j < point_.inside(); ++j)
      for (Index k = 0; k <= j; ++k) curvature_->hessian_so_far()(j, k) += copies_ * own.scores.product(j, k);
  }

  void differentiate_rows(Index g, std::size_t place, double* to, Index step) {
    const Range rows = nesting_.rows_of(g);
    const LevelNodes& nodes = stages_.front().nodes;
    if (order_ > 0) {
      scores_->set_level(nodes);
      if (order_ > 1) curvature_->set_level(nodes, copies_);
      if (!kept_[place].is_there)
        for_tiles(rows, order_, derivatives_, [&](Range tile) { add_tile(tile, derivatives_); });
      else if (rows.size() > 0)
        add_tile(rows, kept_[place].derivatives);
      scores_->finish(nodes, to, step);
      if (order_ > 1) scores_->add_covariance(nodes, copies_, curvature_->hessian_so_far());
    }
    next_row_ += rows.size();
  }

  /// Far out derivatives may be huge: nothing times these would not be nothing.
  void add_tile(Range rows, NodeDerivatives& derivatives) {
    const LevelNodes& nodes = stages_.front().nodes;
    for (std::vector<Vector>* all : {&derivatives.d1, &derivatives.w})
      for (Vector& own : *all)
        for (Index lane : nodes.empty())
          for (Index i = 0; i < rows.size(); ++i) own[i * nodes.lanes() + lane] = 0.0;
    scores_->add(rows, derivatives);
    if (order_ > 1) curvature_->add(rows, derivatives);
  }

  /// The rows of the level at which the innermost stage is, which are those from `next_row_` on.
  template <class Visit>
  void for_tiles(Range rows, int order, NodeDerivatives& out, Visit visit) {
    const LevelNodes& nodes = stages_.front().nodes;
    tile_.nodes = &nodes.nodes();
    tile_.centre = nodes.centre();
    tile_.C = nodes.C();
    tile_.u = nodes.u();
    const Index step = rows_together(nodes.lanes());
    out.reserve(nodes.lanes(), std::min(rows.size(), step) * nodes.lanes(), order_, point_.predictors());
    for (Index begin = rows.begin; begin < rows.end; begin += step) {
      if (++tiles_ % 64 == 0) data_.interrupt();
      tile_.rows = {begin, std::min(begin + step, rows.end)};
      for (std::size_t a = 0; a < fixed_.size(); ++a) {
        const bool constant = a > 0 && fixed_[a].size() == 1;
        tile_.fixed[a] = {fixed_[a].data() + (constant ? 0 : next_row_ + begin - rows.begin), constant ? 0 : 1};
      }
      kernel_->evaluate(tile_, order, out);
      visit(tile_.rows);
    }
  }

  /// Whether levels of factor l are asked for that lie in a level of factor s.
  bool any_asked(Index s, Index g, Index l, const Integers& asked) const {
    if (s == l) return asked[static_cast<std::size_t>(g)] > 0;
    bool any = false;
    nesting_.for_children(s, g, [&](Index child) { any = any || any_asked(s - 1, child, l, asked); });
    return any;
  }

  void judge_within(Index s, Index g, const double* outer_pi, Index l, const NestedRule& other, const Integers& asked,
                    Eigen::Ref<Vector> values) {
    if (nesting_.left_out(s, g)) return pass_rows(s, g);
    Stage& own = stage(s);
    if (own.nodes.level() != g) own.nodes.set(*rule_, s, g, around(s));
    own.nodes.condition(own.given_outer[own.next++], outer_pi);
    nesting_.for_children(s, g, [&](Index child) {
      if (s > l + 1) return judge_within(s - 1, child, own.nodes.pi().data(), l, other, asked, values);
      if (asked[static_cast<std::size_t>(child)] == 0) return pass_over(l, child);
      const NestedRule* const before = rule_;
      rule_ = &other;
      integrate(l, child);
      rule_ = before;
      values[child] = 0.0;
      for (Index k = 0; k < own.nodes.nodes().nodes; ++k)
        if (own.nodes.pi()[k] > 0.0) values[child] += own.nodes.pi()[k] * stage(l).values[k];
    });
  }

  /// As integrate() does, but nothing is asked of the level.
  void pass_over(Index l, Index g) {
    if (nesting_.left_out(l, g)) return pass_rows(l, g);
    ++stage(l).next;
    if (l == 0)
      next_row_ += nesting_.rows_of(g).size();
    else
      nesting_.for_children(l, g, [&](Index child) { pass_over(l - 1, child); });
  }

  struct Kept {
    bool is_there = false;
    NodeDerivatives derivatives;
  };

  const Data& data_;
  const Nesting& nesting_;
  const NestedRule* rule_;
  const FrozenPoint& point_;
  Range levels_;
  int order_;
  Sizes sizes_;
  std::unique_ptr<NodeKernel> kernel_;
  std::vector<Stage> stages_;  ///< by factor
  NodeTile tile_;
  NodeDerivatives derivatives_;
  std::vector<Kept> kept_;     ///< of the innermost levels within the outermost one
  double copies_ = 1.0;        ///< how often the outermost level counts
  Index kept_cells_ = 0, tiles_ = 0, first_row_ = 0, next_row_ = 0;  ///< rows: in the order of visits
  std::vector<Vector> fixed_;  ///< by predictor, of the range
  Vector gradient_, own_gradient_;
  std::unique_ptr<LevelScores> scores_;
  std::unique_ptr<RowCurvature> curvature_;
};

}  // namespace glimmer

#endif
