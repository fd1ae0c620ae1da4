// A pass over a range of levels at the nodes of their frozen rules: value, gradient and Hessian of the rule by Louis'
// formula (1982, Journal of the Royal Statistical Society B 44:226), exactly, as eta is linear in the parameters at a
// node whose u does not move:
//
//   l = sum_g l_g ,  dl = sum_g sum_k pi_k s_k ,  d2l = sum_g [ sum_k pi_k ds_k + sum_k pi_k s_k s_k' - s_g s_g' ] ,
//
// each level as often as it counts.
#ifndef GLIMMER_FROZEN_PASS_H
#define GLIMMER_FROZEN_PASS_H

#include "level_scores.h"
#include "node_kernels.h"
#include "row_curvature.h"

namespace glimmer {

/// What a pass gives of each level, once; nothing where there is no space for it.
struct LevelResults {
  Vector values;
  Moments moments;
  Matrix gradients;  ///< a column a level
};

class FrozenPass {
 public:
  /// Of a range of levels, to order 0 (value), 1 (gradient) or 2 (Hessian).
  FrozenPass(const Data& data, const FrozenRule& rule, const FrozenPoint& point, const MultipleColumns& columns,
             Range levels, int order)
      : data_(data), rule_(rule), point_(point), levels_(levels), order_(order), sizes_(data, rule, levels),
        kernel_(make_node_kernel(data)), nodes_(rule.effects(), sizes_.lanes),
        log_density_(sizes_.lanes), gradient_(Vector::Zero(point.inside())), own_gradient_(gradient_) {
    derivatives_.reserve(sizes_.lanes, sizes_.cells, order, point.predictors());
    const Range rows = data.rows_of(levels);
    for (int a = 0; a < point.predictors(); ++a) fixed_.push_back(point.fixed_part(a, rows));
    tile_.lambda = &point.lambda();
    tile_.fixed.resize(fixed_.size());
    if (order > 0) scores_ = std::make_unique<LevelScores>(data, point, columns, sizes_.lanes, sizes_.rows);
    if (order > 1) curvature_ = std::make_unique<RowCurvature>(data, point, sizes_.lanes, sizes_.rows);
  }

  /// Goes through the levels that have nodes. The sum of their log-likelihoods.
  double run(LevelResults& results) {
    double value = 0.0;
    for (Index g = levels_.begin; g < levels_.end; ++g)
      if (const double own = rule_.nodes(g) ? level(g, results) : 0.0; copies(g) > 0.0) value += copies(g) * own;
    return value;
  }

  const Vector& gradient() const { return gradient_; }
  /// Its lower triangle.
  Matrix& hessian() { return curvature_->hessian(); }

 private:
  double copies(Index g) const { return data_.copies.size() == 0 ? 1.0 : data_.copies[g * rule_.effects()]; }

  /// Rows of a level are taken together so long as they have not more cells than this, a cell a row at a node.
  static constexpr Index cells_together = 32768;

  static Index rows_together(Index lanes) { return std::max<Index>(1, cells_together / lanes); }

  /// The most that any tile of the range has.
  struct Sizes {
    Index lanes = 0, rows = 0, cells = 0;

    Sizes(const Data& data, const FrozenRule& rule, Range levels) {
      for (Index g = levels.begin; g < levels.end; ++g) {
        if (!rule.nodes(g)) continue;
        const Index own = rule.nodes(g)->lanes(), n = std::min(data.rows_of({g, g + 1}).size(), rows_together(own));
        lanes = std::max(lanes, own);
        rows = std::max(rows, n);
        cells = std::max(cells, n * own);
      }
    }
  };

  double level(Index g, LevelResults& results) {
    const Range rows = data_.rows_of({g, g + 1});
    if (data_.left_out(rows)) return prior_alone(g, results);
    nodes_.set(rule_, g);
    tile_.nodes = rule_.nodes(g);
    tile_.centre = rule_.centre(g);
    tile_.C = rule_.scale(g);
    tile_.u = nodes_.u();
    const bool one_tile = rows.size() <= rows_together(nodes_.lanes());
    auto log_density = log_density_.head(nodes_.lanes());
    log_density.setZero();
    for_tiles(rows, one_tile ? order_ : 0, [&](Range) { log_density += derivatives_.f.head(nodes_.lanes()); });
    const double value = nodes_.weigh(log_density);
    if (results.values.size() > 0) results.values[g] = value;
    if (results.moments.mean.size() > 0)
      nodes_.moments(results.moments.mean.col(g),
                     results.moments.covariance.middleCols(g * rule_.effects(), rule_.effects()));
    if (order_ > 0) differentiate(g, rows, one_tile, results);
    return value;
  }

  /// A level none of whose rows counts: the integral is 1, whatever the rule.
  double prior_alone(Index g, LevelResults& results) const {
    const Index q = rule_.effects();
    if (results.values.size() > 0) results.values[g] = 0.0;
    if (results.gradients.size() > 0) results.gradients.col(g).setZero();
    if (results.moments.mean.size() > 0) {
      results.moments.mean.col(g).setZero();
      results.moments.covariance.middleCols(g * q, q).setIdentity();
    }
    return 0.0;
  }

  /// The rows of a level have been evaluated where they are one tile; else that is done once more, as it takes all of
  /// them to know the weights of the nodes.
  void differentiate(Index g, Range rows, bool one_tile, LevelResults& results) {
    scores_->set_level(nodes_, g);
    if (order_ > 1) curvature_->set_level(nodes_, copies(g));
    const auto add = [&](Range tile) {
      clear_empty(tile.size());
      scores_->add(tile, derivatives_);
      if (order_ > 1) curvature_->add(tile, derivatives_);
    };
    if (!one_tile)
      for_tiles(rows, order_, add);
    else if (rows.size() > 0)
      add(rows);
    scores_->finish(nodes_, own_gradient_);
    gradient_ += copies(g) * own_gradient_;
    if (results.gradients.size() > 0) results.gradients.col(g) = own_gradient_;
    if (order_ > 1) scores_->add_covariance(nodes_, copies(g), curvature_->hessian_so_far());
  }

  template <class Visit>
  void for_tiles(Range rows, int order, Visit visit) {
    const Index step = rows_together(nodes_.lanes()), first = data_.rows_of(levels_).begin;
    for (Index begin = rows.begin; begin < rows.end; begin += step) {
      if (++tiles_ % 64 == 0) data_.interrupt();
      tile_.rows = {begin, std::min(begin + step, rows.end)};
      for (std::size_t a = 0; a < fixed_.size(); ++a) {
        const bool constant = a > 0 && fixed_[a].size() == 1;
        tile_.fixed[a] = {fixed_[a].data() + (constant ? 0 : begin - first), constant ? 0 : 1};
      }
      kernel_->evaluate(tile_, order, derivatives_);
      visit(tile_.rows);
    }
  }

  /// Far out derivatives may be huge: nothing times these would not be nothing.
  void clear_empty(Index rows) {
    for (std::vector<Vector>* all : {&derivatives_.d1, &derivatives_.w})
      for (Vector& own : *all)
        for (Index lane : nodes_.empty())
          for (Index i = 0; i < rows; ++i) own[i * nodes_.lanes() + lane] = 0.0;
  }

  const Data& data_;
  const FrozenRule& rule_;
  const FrozenPoint& point_;
  Range levels_;
  int order_;
  Sizes sizes_;
  std::unique_ptr<NodeKernel> kernel_;
  LevelNodes nodes_;
  NodeTile tile_;
  NodeDerivatives derivatives_;
  Index tiles_ = 0;            ///< so far
  std::vector<Vector> fixed_;  ///< by predictor, of the range
  Vector log_density_, gradient_, own_gradient_;
  std::unique_ptr<LevelScores> scores_;
  std::unique_ptr<RowCurvature> curvature_;
};

}  // namespace glimmer

#endif
