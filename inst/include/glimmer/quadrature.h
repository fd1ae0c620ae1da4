// Adaptive quadrature of the random effects of one grouping factor, level by level: nodes u_k = m + C x_k,
//
//   l = log sum_k weight_k exp h(u_k) + log|C| - (q / 2) log 2pi ,
//
// by Gauss-Hermite at the mode with C = R'^-1, H = R R' (Liu and Pierce 1994, Biometrika 81:624), whose gradient goes
// through mode and curvature as well; or, where the integrand is wide and flat, by the trapezoid rule around mean and
// covariance of u given the data, which stay where they were last set. With pi_k = weight_k exp h(u_k) / sum,
// g_k = A'd1(eta_k) - u_k and Cbar = sum_k pi_k g_k x_k':
//
//   M = C Cbar' C ;  Rbar = -lower(M) - diag(1 / R_jj) ;  Phi = lower(R'Rbar), its diagonal halved ;  P = C Phi C'
//   Hbar = (P + P') / 2 ;  ubar = sum pi_k g_k ;  etabar = sum pi_k d1(eta_k) ;  Lambdabar = sum pi_k Z'd1(eta_k) u_k'
#ifndef GLIMMER_QUADRATURE_H
#define GLIMMER_QUADRATURE_H

#include <limits>
#include <map>

#include "integral.h"
#include "node_grid.h"
#include "node_rows.h"
#include "node_rule.h"

namespace glimmer {

class Quadrature : public Integral {
 public:
  Quadrature(const Data& data, const BlockSystem& system) : data_(data), system_(system) {}

  /// Called on the calling thread now and then; it may throw to interrupt.
  void set_interrupt(std::function<void()> poll) { poll_ = std::move(poll); }

  /// The rule for value and adjoint.
  void set_rule(NodeRule rule) {
    rule_ = std::move(rule);
    prepare(rule_);
    ranges_ = ranges_of(rule_);
  }
  const NodeRule& rule() const { return rule_; }

  int order() const override { return 3; }
  bool one_pass() const override { return true; }

  double value(const Point& point) override {
    Vector sums(static_cast<Index>(ranges_.size()));
    for_ranges(ranges_, [&](Index c, Range range) {
      Vector values(range.size());
      Values part{*this, point, rule_, values.data(), range.begin};
      for_levels(point, rule_, range, part);
      sums[c] = values.sum();
    });
    return sums.sum();
  }

  void adjoint(const Point& point, Adjoint& out) override { value_and_adjoint(point, out); }

  double value_and_adjoint(const Point& point, Adjoint& out) override {
    const Index q = effects(), count = static_cast<Index>(ranges_.size());
    out.eta_bar.setZero(data_.rows());
    out.mode_bar.setZero(data_.terms.size());
    out.H_bar.diagonal_values(0).setZero();
    Matrix direct = Matrix::Zero(q, q * count);
    Vector phi_bar(count), values(count);
    for_ranges(ranges_, [&](Index c, Range range) {
      Adjoints part(*this, point, rule_, out);
      for_levels(point, rule_, range, part);
      direct.middleCols(q * c, q) = part.all_direct;
      phi_bar[c] = part.all_phi;
      values[c] = part.value;
    });
    out.lambda_bar[0].setZero();
    for (Index c = 0; c < count; ++c) out.lambda_bar[0] += direct.middleCols(q * c, q);
    out.phi_bar = phi_bar.sum();
    return values.sum();
  }

  /// Each level's own log-likelihood by a rule; not a number where it leaves the level out.
  Vector level_values(const Point& point, const NodeRule& rule) {
    prepare(rule);
    Vector values = Vector::Constant(levels(), std::numeric_limits<double>::quiet_NaN());
    for_ranges(ranges_of(rule), [&](Index, Range range) {
      Values part{*this, point, rule, values.data() + range.begin, range.begin};
      for_levels(point, rule, range, part);
    });
    return values;
  }

  /// Mean and covariance by a rule, of the levels that it does not leave out.
  Moments moments(const Point& point, const NodeRule& rule) {
    prepare(rule);
    const Index q = effects();
    Moments out{Matrix::Zero(q, levels()), Matrix::Zero(q, q * levels())};
    for_ranges(ranges_of(rule), [&](Index, Range range) {
      MomentSums part(q, out);
      for_levels(point, rule, range, part);
    });
    return out;
  }

  /// Places the box of the wide levels where u is, given the data, at a point: first around the mode, and then, with
  /// axes from its covariance, around the mean; each as far as the density is not negligible.
  void adapt(const Point& point, NodeRule& rule) {
    NodeRule look = rule;
    for (Index g = 0; g < levels(); ++g) {
      if (!rule.is_wide(g)) continue;
      look.centre.col(g) = point.u.segment(g * effects(), effects());
      look.scale.middleCols(g * effects(), effects()) = far * inverse_root(g);
    }
    fit_boxes(point, rule, look);
    set_looks(rule, look);
    place(moments(point, look), look);
    fit_boxes(point, rule, look);
    rule.centre = look.centre;
    rule.scale = look.scale;
  }

 private:
  static constexpr double far = 9.0;           ///< standard deviations to either side of a first box
  static constexpr double negligible = 1e-10;  ///< density relative to its largest
  static constexpr int most_looks = 12;
  static constexpr Index row_nodes_in_range = 20000, ranges_between_polls = 64;

  Index effects() const { return data_.terms[0].effects(); }
  Index levels() const { return data_.terms[0].levels; }

  const NodeGrid& grid(const NodeRule& rule, Index g) const {
    return grids_.at({rule.nodes_of(g), rule.is_wide(g)});
  }

  /// The grids that a rule asks for.
  void prepare(const NodeRule& rule) {
    for (std::size_t g = 0; g < rule.nodes.size(); ++g) {
      const int n = rule.nodes[g];
      const bool is_wide = rule.wide[g] != 0;
      if (n == 0 || grids_.count({n, is_wide})) continue;
      grids_.emplace(std::make_pair(n, is_wide),
                     NodeGrid(is_wide ? trapezoid(n, 1.0) : gauss_hermite(n), effects()));
    }
  }

  /// Ranges of levels with some number of rows times nodes each, which do not depend on the threads.
  std::vector<Range> ranges_of(const NodeRule& rule) const {
    std::vector<Range> ranges;
    Index begin = 0, work = 0;
    for (Index g = 0; g < levels(); ++g) {
      if (rule.nodes_of(g) > 0) work += (1 + data_.rows_of({g, g + 1}).size()) * grid(rule, g).size();
      if (work < row_nodes_in_range && g + 1 < levels()) continue;
      ranges.push_back({begin, g + 1});
      begin = g + 1;
      work = 0;
    }
    return ranges;
  }

  /// Calls visit(number, range) for every range of levels, side by side.
  template <class Visit>
  void for_ranges(const std::vector<Range>& ranges, Visit visit) const {
    const Index all = static_cast<Index>(ranges.size());
    for (Index first = 0; first < all; first += ranges_between_polls) {
      if (poll_) poll_();
      const Index count = std::min(ranges_between_polls, all - first);
      parallel_shares(count, 1, count > 3 ? data_.threads : 1, [&](Index c) {
        visit(first + c, ranges[static_cast<std::size_t>(first + c)]);
      });
    }
  }

  /// A few nodes of the trapezoid rule for the wide levels, none for the others.
  void set_looks(const NodeRule& rule, NodeRule& look) const {
    const int few = effects() == 1 ? 41 : effects() == 2 ? 25 : 15;
    for (std::size_t g = 0; g < rule.nodes.size(); ++g) look.nodes[g] = rule.wide[g] ? few : 0;
  }

  /// A box of many standard deviations around the mean, where these are good.
  void place(const Moments& moments, NodeRule& look) const {
    const Index q = effects();
    for (Index g = 0; g < levels(); ++g) {
      if (!look.is_wide(g)) continue;
      const Eigen::LLT<Matrix> root(moments.covariance.middleCols(q * g, q));
      const Matrix C = root.matrixL();
      const bool good = root.info() == Eigen::Success && C.allFinite() && C.diagonal().minCoeff() > 0.0;
      if (!good || !moments.mean.col(g).allFinite()) continue;
      look.centre.col(g) = moments.mean.col(g);
      look.scale.middleCols(q * g, q) = far * C;
    }
  }

  /// Moves the ends of the boxes outwards until the density is negligible there, and then in to where it is not.
  void fit_boxes(const Point& point, const NodeRule& rule, NodeRule& look) {
    set_looks(rule, look);
    for (int round = 0; round < most_looks && !std::all_of(look.nodes.begin(), look.nodes.end(), [](int n) {
           return n == 0;
         }); ++round) {
      prepare(look);
      NodeRule moved = look;
      for_ranges(ranges_of(look), [&](Index, Range range) {
        Profiles part(*this, look, moved);
        for_levels(point, look, range, part);
      });
      look = std::move(moved);
    }
  }

  /// C of a level, R'^-1 or what the rule says.
  Matrix scale(const NodeRule& rule, Index g) const {
    return rule.is_wide(g) ? Matrix(rule.scale.middleCols(effects() * g, effects())) : inverse_root(g);
  }

  /// R'^-1 of a level
  Matrix inverse_root(Index g) const {
    Matrix C = Matrix::Identity(effects(), effects());
    system_.backward_level(g, C);
    return C;
  }

  double log_scale(const NodeRule& rule, Index g) const {
    if (!rule.is_wide(g)) return -system_.log_determinant({g, g + 1});
    const Index q = effects();
    return rule.scale.middleCols(q * g, q).diagonal().array().log().sum();
  }

  double level_value(const NodeRule& rule, Index g, const LogSum& sum) const {
    return sum.log() + log_scale(rule, g) - 0.5 * log_2pi * static_cast<double>(effects());
  }

  /// Goes through the nodes of a range of levels, some at a time. `part` has order(), the rows' derivatives that it
  /// needs; start(); add(block, rows, weights, rescale), the weights weight_k exp h(u_k) over a number, and by what
  /// sums of earlier ones are to be multiplied as that number has changed; finish(level, sum of them).
  template <class Part>
  void for_levels(const Point& point, const NodeRule& rule, Range range, Part& part) const {
    NodeRows rows(data_, range, part.order());
    LogSum sum;
    Vector weights;
    const auto flush = [&] {
      rows.evaluate(point.phi);
      for (const NodeRows::Block& block : rows.blocks()) {
        const NodeGrid& nodes = grid(rule, block.level);
        if (block.first == 0) {
          sum.clear();
          part.start();
        }
        weights = nodes.log_weight.segment(block.first, block.count) + rows.log_densities(block) -
                  0.5 * rows.u(block).colwise().squaredNorm().transpose();
        const double rescale = sum.add(weights);
        part.add(block, rows, weights, rescale);
        if (block.first + block.count == nodes.size()) part.finish(block.level, sum);
      }
      rows.clear();
    };
    for (Index g = range.begin; g < range.end; ++g) {
      if (rule.nodes_of(g) == 0) continue;
      const NodeGrid& nodes = grid(rule, g);
      const Matrix C = scale(rule, g);
      const Vector centre =
          rule.is_wide(g) ? Vector(rule.centre.col(g)) : Vector(point.u.segment(g * effects(), effects()));
      for (Index first = 0; first < nodes.size();) {
        if (rows.room(g) < 1) flush();
        const Index count = std::min(nodes.size() - first, rows.room(g));
        rows.add(point, g, first, centre, C, nodes.x.middleCols(first, count));
        first += count;
      }
    }
    flush();
  }

  struct Values {
    const Quadrature& own;
    const Point& point;
    const NodeRule& rule;
    double* values;
    Index first;

    int order() const { return 0; }
    void start() {}
    void add(const NodeRows::Block&, const NodeRows&, const Vector&, double) {}
    void finish(Index g, const LogSum& sum) {
      values[g - first] = own.level_value(rule, g, sum);
    }
  };

  struct MomentSums {
    Vector sum;
    Matrix squares;
    Moments& out;

    MomentSums(Index q, Moments& out_) : sum(q), squares(q, q), out(out_) {}
    int order() const { return 0; }
    void start() {
      sum.setZero();
      squares.setZero();
    }
    void add(const NodeRows::Block& block, const NodeRows& rows, const Vector& weights, double rescale) {
      const Matrix u = rows.u(block);
      sum = rescale * sum + u * weights;
      squares = rescale * squares + u * weights.asDiagonal() * u.transpose();
    }
    void finish(Index g, const LogSum& total) {
      const Vector mean = sum / total.total();
      out.mean.col(g) = mean;
      out.covariance.middleCols(g * sum.size(), sum.size()) = squares / total.total() - mean * mean.transpose();
    }
  };

  /// Along each axis of a box the largest density at each coordinate, and from these the box that is needed.
  struct Profiles {
    const Quadrature& own;
    const NodeRule& look;
    NodeRule& moved;
    Matrix profile;

    Profiles(const Quadrature& own_, const NodeRule& look_, NodeRule& moved_)
        : own(own_), look(look_), moved(moved_) {}
    int order() const { return 0; }
    void start() { profile.resize(0, 0); }

    void add(const NodeRows::Block& block, const NodeRows&, const Vector& weights, double rescale) {
      const Index n = look.nodes_of(block.level), q = own.effects();
      if (profile.size() == 0) profile.setZero(n, q);
      profile *= rescale;
      for (Index k = 0; k < block.count; ++k)
        for (Index j = 0, rest = block.first + k; j < q; ++j, rest /= n)
          profile(rest % n, j) = std::max(profile(rest % n, j), weights[k]);
    }

    /// An end that is not negligible goes out by half the box; where both are, the box is drawn in to one step more
    /// than what is not, and the level is done.
    void finish(Index g, const LogSum&) {
      const Index n = profile.rows(), q = profile.cols();
      const double step = 2.0 / static_cast<double>(n - 1);
      Vector middle(q), half(q);
      bool wider = false;
      for (Index j = 0; j < q; ++j) {
        const double limit = negligible * profile.col(j).maxCoeff();
        Index low = 0, high = n - 1;
        while (low < high && !(profile(low, j) > limit)) ++low;
        while (high > low && !(profile(high, j) > limit)) --high;
        const double down = low == 0 ? 1.0 : step, up = high == n - 1 ? 1.0 : step;
        wider = wider || low == 0 || high == n - 1;
        const double from = -1.0 + step * static_cast<double>(low) - down;
        const double to = -1.0 + step * static_cast<double>(high) + up;
        middle[j] = 0.5 * (from + to);
        half[j] = 0.5 * (to - from);
      }
      const Matrix C = look.scale.middleCols(q * g, q);
      moved.centre.col(g) = look.centre.col(g) + C * middle;
      moved.scale.middleCols(q * g, q) = C * half.asDiagonal();
      if (!wider) moved.nodes[static_cast<std::size_t>(g)] = 0;
    }
  };

  struct Adjoints {
    const Quadrature& own;
    const Point& point;
    const NodeRule& rule;
    Adjoint& out;
    Vector mode;                           ///< sum of weights times g_k
    Matrix cross, direct, score, x_score;  ///< of g_k x_k' and Z'd1 u_k'; Z'd1, and g, a column a node
    double phi = 0.0, all_phi = 0.0, value = 0.0;
    Matrix all_direct;

    Adjoints(const Quadrature& own_, const Point& point_, const NodeRule& rule_, Adjoint& out_)
        : own(own_), point(point_), rule(rule_), out(out_), mode(own.effects()),
          cross(own.effects(), own.effects()), direct(cross),
          all_direct(Matrix::Zero(own.effects(), own.effects())) {}

    int order() const { return 1; }

    void start() {
      mode.setZero();
      cross.setZero();
      direct.setZero();
      phi = 0.0;
    }

    void add(const NodeRows::Block& block, const NodeRows& rows, const Vector& weights, double rescale) {
      const Grouping& grouping = own.data_.terms[0];
      const Range range = own.data_.rows_of({block.level, block.level + 1});
      const auto d1 = rows.d1(block);
      const auto u = rows.u(block);
      auto eta_bar = out.eta_bar.segment(range.begin, range.size());
      eta_bar *= rescale;
      eta_bar.noalias() += d1.lazyProduct(weights);
      const Eigen::Map<const RowMatrix, 0, Eigen::OuterStride<>> Z(
          grouping.Z.row(range.begin), range.size(), grouping.effects(), Eigen::OuterStride<>(grouping.Z.step()));
      score.noalias() = Z.transpose().lazyProduct(d1);
      score *= weights.asDiagonal();
      direct = rescale * direct + score * u.transpose();
      if (own.data_.density->has_dispersion()) phi = rescale * phi + rows.f_phi(block).colwise().sum().dot(weights);
      if (rule.is_wide(block.level)) return;
      x_score.noalias() = own.data_.terms.lambda(0).transpose().lazyProduct(score);
      x_score.noalias() -= u * weights.asDiagonal();
      mode = rescale * mode + x_score.rowwise().sum();
      cross = rescale * cross +
              x_score * own.grid(rule, block.level).x.middleCols(block.first, block.count).transpose();
    }

    void finish(Index g, const LogSum& sum) {
      const double total = sum.total();
      value += own.level_value(rule, g, sum);
      const Range range = own.data_.rows_of({g, g + 1});
      out.eta_bar.segment(range.begin, range.size()) /= total;
      all_direct += direct / total;
      all_phi += phi / total;
      if (rule.is_wide(g)) return;
      out.mode_bar.segment(g * mode.size(), mode.size()) = mode / total;
      own.set_curvature_bar(g, cross / total, out.H_bar.diagonal(0, g));
    }
  };

  /// Hbar of a level at its mode, from Cbar: C depends on R, and R on H.
  template <class Block>
  void set_curvature_bar(Index g, const Matrix& C_bar, Block&& H_bar) const {
    const Matrix C = inverse_root(g), R = system_.root_level(g), M = C * C_bar.transpose() * C;
    Matrix R_bar = -M;
    R_bar.diagonal() -= R.diagonal().cwiseInverse();
    const Matrix lower = R_bar.template triangularView<Eigen::Lower>();
    Matrix phi = (R.transpose() * lower).template triangularView<Eigen::Lower>();
    phi.diagonal() *= 0.5;
    const Matrix P = C * phi * C.transpose();
    H_bar = 0.5 * (P + P.transpose());
  }

  const Data& data_;
  const BlockSystem& system_;
  NodeRule rule_;
  std::vector<Range> ranges_;  ///< of levels, for the rule
  std::function<void()> poll_;
  std::map<std::pair<int, bool>, NodeGrid> grids_;
};

}  // namespace glimmer

#endif
