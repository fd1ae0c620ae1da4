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

#include <map>

#include "integral.h"
#include "node_grid.h"
#include "node_rows.h"

namespace glimmer {

/// Where each level has its nodes.
struct NodeRule {
  Integers nodes;          ///< how many for each effect; 0: the level is left out
  std::vector<char> wide;  ///< whether by the trapezoid rule around a centre
  Matrix centre;           ///< q x levels; of wide levels
  Matrix scale;            ///< q x q levels: C of wide levels

  NodeRule() = default;
  NodeRule(Integers nodes_, std::vector<char> wide_, Index q) : nodes(std::move(nodes_)), wide(std::move(wide_)) {
    const Index levels = static_cast<Index>(nodes.size());
    centre.setZero(q, levels);
    scale.setZero(q, q * levels);
  }

  bool any_wide() const { return std::any_of(wide.begin(), wide.end(), [](char is) { return is != 0; }); }
};

/// Mean (a column a level) and covariance (q columns a level) of u given the data.
struct Moments {
  Matrix mean, covariance;
};

/// A sum of exponentials, of which any number may come at a time, and none overflows.
class LogSum {
 public:
  void clear() {
    top_ = -infinity;
    total_ = 0.0;
  }

  /// Adds exp(logs), and leaves exp(logs - top) in `logs`, top the largest so far. What was summed up before with these
  /// weights is to be multiplied by what is given back.
  double add(Vector& logs) {
    const double top = std::max(top_, logs.maxCoeff());
    if (top == -infinity) {
      logs.setZero();
      return 1.0;
    }
    const double rescale = std::exp(top_ - top);
    logs = (logs.array() - top).exp();
    total_ = total_ * rescale + logs.sum();
    top_ = top;
    return rescale;
  }

  double total() const { return total_; }
  double log() const { return top_ + std::log(total_); }

 private:
  double top_ = -infinity, total_ = 0.0;
};

class Quadrature : public Integral {
 public:
  Quadrature(const Data& data, const BlockSystem& system) : data_(data), system_(system) {}

  /// The rule for value and adjoint.
  void set_rule(NodeRule rule) {
    rule_ = std::move(rule);
    prepare(rule_);
  }

  int order() const override { return 3; }

  double value(const Point& point) override {
    return sum_over_chunks(data_, [&](Range chunk) {
      Vector values(chunk.size());
      Values part{*this, point, rule_, values.data(), chunk.begin};
      for_levels(point, rule_, chunk, part);
      return values.sum();
    });
  }

  void adjoint(const Point& point, Adjoint& out) override { value_and_adjoint(point, out); }

  double value_and_adjoint(const Point& point, Adjoint& out) override {
    const Index q = effects(), chunks = static_cast<Index>(data_.chunks.size());
    out.eta_bar.setZero(data_.rows());
    out.mode_bar.setZero(data_.terms.size());
    out.H_bar.diagonal_values(0).setZero();
    Matrix direct = Matrix::Zero(q, q * chunks);
    Vector phi_bar = Vector::Zero(chunks), values(chunks);
    for_chunks(data_, [&](Index c, Range chunk) {
      Adjoints part(*this, point, rule_, out);
      for_levels(point, rule_, chunk, part);
      direct.middleCols(q * c, q) = part.all_direct;
      phi_bar[c] = part.all_phi;
      values[c] = part.value;
    });
    out.lambda_bar[0].setZero();
    for (Index c = 0; c < chunks; ++c) out.lambda_bar[0] += direct.middleCols(q * c, q);
    out.phi_bar = phi_bar.sum();
    return values.sum();
  }

  /// Each level's own log-likelihood by a rule; not a number where it leaves the level out.
  Vector level_values(const Point& point, const NodeRule& rule) {
    prepare(rule);
    Vector values = Vector::Constant(levels(), std::numeric_limits<double>::quiet_NaN());
    for_chunks(data_, [&](Index, Range chunk) {
      Values part{*this, point, rule, values.data() + chunk.begin, chunk.begin};
      for_levels(point, rule, chunk, part);
    });
    return values;
  }

  /// Mean and covariance by a rule, of the levels that it does not leave out.
  Moments moments(const Point& point, const NodeRule& rule) {
    prepare(rule);
    const Index q = effects();
    Moments out{Matrix::Zero(q, levels()), Matrix::Zero(q, q * levels())};
    for_chunks(data_, [&](Index, Range chunk) {
      MomentSums part(q, out);
      for_levels(point, rule, chunk, part);
    });
    return out;
  }

  /// Places the box of the wide levels where u is, given the data, at a point: axes from its covariance, by a first
  /// look with Gauss-Hermite and another one far and wide, and ends where the density is negligible.
  void adapt(const Point& point, NodeRule& rule) {
    const Index q = effects();
    place(moments(point, first_look(rule, q == 1 ? 23 : q == 2 ? 11 : 7, false)), rule);
    const int few = q == 1 ? 31 : q == 2 ? 25 : 15;
    for (int round = 0; round < 2; ++round) {
      const NodeRule look = first_look(rule, few, true);
      if (round == 0) {
        place(moments(point, look), rule);
      } else {
        fit_box(point, look, rule);
      }
    }
  }

 private:
  static constexpr double far = 9.0;           ///< standard deviations to either side of a first box
  static constexpr double negligible = 1e-10;  ///< density relative to its largest

  static bool wide(const NodeRule& rule, Index g) { return rule.wide[static_cast<std::size_t>(g)] != 0; }

  Index effects() const { return data_.terms[0].effects(); }
  Index levels() const { return data_.terms[0].levels; }

  const NodeGrid& grid(const NodeRule& rule, Index g) const {
    return grids_.at({rule.nodes[static_cast<std::size_t>(g)], wide(rule, g)});
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

  /// A rule for the wide levels of another, some nodes for each effect.
  static NodeRule first_look(const NodeRule& rule, int nodes, bool trapezoid) {
    NodeRule look = rule;
    for (std::size_t g = 0; g < rule.nodes.size(); ++g) {
      look.nodes[g] = rule.wide[g] ? nodes : 0;
      look.wide[g] = trapezoid && rule.wide[g];
    }
    return look;
  }

  /// A box of many standard deviations around the mean, where these are good.
  void place(const Moments& moments, NodeRule& rule) const {
    const Index q = effects();
    for (Index g = 0; g < levels(); ++g) {
      if (!wide(rule, g)) continue;
      const Eigen::LLT<Matrix> root(moments.covariance.middleCols(q * g, q));
      if (root.info() != Eigen::Success || !moments.mean.col(g).allFinite()) continue;
      rule.centre.col(g) = moments.mean.col(g);
      rule.scale.middleCols(q * g, q) = far * Matrix(root.matrixL());
    }
  }

  /// Draws the ends of the box in to where the density is negligible, as seen by a first look.
  void fit_box(const Point& point, const NodeRule& look, NodeRule& rule) {
    prepare(look);
    for_chunks(data_, [&](Index, Range chunk) {
      Profiles part(*this, look, rule);
      for_levels(point, look, chunk, part);
    });
  }

  /// C of a level, R'^-1 or what the rule says.
  Matrix scale(const NodeRule& rule, Index g) const {
    const Index q = effects();
    if (wide(rule, g)) return rule.scale.middleCols(q * g, q);
    Matrix C = Matrix::Identity(q, q);
    system_.backward_level(g, C);
    return C;
  }

  double log_scale(const NodeRule& rule, Index g) const {
    if (!wide(rule, g)) return -system_.log_determinant({g, g + 1});
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
  void for_levels(const Point& point, const NodeRule& rule, Range chunk, Part& part) const {
    NodeRows rows(data_, chunk, part.order());
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
    for (Index g = chunk.begin; g < chunk.end; ++g) {
      if (rule.nodes[static_cast<std::size_t>(g)] == 0) continue;
      const NodeGrid& nodes = grid(rule, g);
      const Matrix C = scale(rule, g);
      const Vector centre =
          wide(rule, g) ? Vector(rule.centre.col(g)) : Vector(point.u.segment(g * effects(), effects()));
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
    NodeRule& rule;
    Matrix profile;

    Profiles(const Quadrature& own_, const NodeRule& look_, NodeRule& rule_) : own(own_), look(look_), rule(rule_) {}
    int order() const { return 0; }
    void start() { profile.resize(0, 0); }

    void add(const NodeRows::Block& block, const NodeRows&, const Vector& weights, double rescale) {
      const Index n = look.nodes[static_cast<std::size_t>(block.level)], q = own.effects();
      if (profile.size() == 0) profile.setZero(n, q);
      profile *= rescale;
      for (Index k = 0; k < block.count; ++k)
        for (Index j = 0, rest = block.first + k; j < q; ++j, rest /= n)
          profile(rest % n, j) = std::max(profile(rest % n, j), weights[k]);
    }

    /// One step more to either side than what is not negligible.
    void finish(Index g, const LogSum&) {
      const Index n = profile.rows(), q = profile.cols();
      const double step = 2.0 / static_cast<double>(n - 1);
      Vector middle(q), half(q);
      for (Index j = 0; j < q; ++j) {
        const double limit = negligible * profile.col(j).maxCoeff();
        Index low = 0, high = n - 1;
        while (low < high && !(profile(low, j) > limit)) ++low;
        while (high > low && !(profile(high, j) > limit)) --high;
        middle[j] = -1.0 + 0.5 * step * static_cast<double>(low + high);
        half[j] = 0.5 * step * static_cast<double>(high - low) + step;
      }
      const Matrix C = rule.scale.middleCols(q * g, q);
      rule.centre.col(g) += C * middle;
      rule.scale.middleCols(q * g, q) = C * half.asDiagonal();
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
      if (Quadrature::wide(rule, block.level)) return;
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
      if (Quadrature::wide(rule, g)) return;
      out.mode_bar.segment(g * mode.size(), mode.size()) = mode / total;
      own.set_curvature_bar(g, cross / total, out.H_bar.diagonal(0, g));
    }
  };

  /// Hbar of a level at its mode, from Cbar: C depends on R, and R on H.
  template <class Block>
  void set_curvature_bar(Index g, const Matrix& C_bar, Block&& H_bar) const {
    const Index q = effects();
    Matrix C = Matrix::Identity(q, q);
    system_.backward_level(g, C);
    const Matrix R = system_.root_level(g), M = C * C_bar.transpose() * C;
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
  std::map<std::pair<int, bool>, NodeGrid> grids_;
};

}  // namespace glimmer

#endif
