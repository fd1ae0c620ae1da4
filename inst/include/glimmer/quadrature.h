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

#include "integral.h"
#include "node_boxes.h"
#include "node_sums.h"
#include "objective.h"

namespace glimmer {

class Quadrature : public Integral {
 public:
  Quadrature(const Data& data, const BlockSystem& system)
      : data_(data), system_(system), sums_(data, system), boxes_(sums_) {}

  /// The rule for value and adjoint, its wide levels placed where u is, given the data, at a point (not null where
  /// there are any).
  void set_rule(NodeRule rule, const Point* point) {
    check(rule, 1);
    if (rule.any_wide()) boxes_.place(*point, rule);
    rule_ = std::move(rule);
    sums_.prepare(rule_);
    ranges_ = sums_.ranges_of(rule_);
  }

  /// Each level's own log-likelihood at a point by the rule that is set, its wide levels where they are.
  Vector level_values(const Point& point) { return sums_.level_values(point, rule_); }

  /// The same by another rule, which may leave levels out, its wide levels placed anew.
  Vector level_values(const Point& point, const NodeRule& rule) {
    return sums_.level_values(point, placed(point, rule, 0));
  }

  /// Mean and covariance of u given the data by a rule at a point.
  Moments moments(const Point& point, const NodeRule& rule) {
    return sums_.moments(point, placed(point, rule, 1));
  }

  /// The same of b.
  Effects effects(const Point& point, const NodeRule& rule) {
    const Moments u = moments(point, rule);
    const Matrix& lambda = data_.factors.lambda(0);
    const Index q = lambda.rows();
    Effects out{lambda * u.mean, Matrix(q, u.covariance.cols())};
    for (Index g = 0; g < data_.factors[0].levels; ++g)
      out.covariances.middleCols(q * g, q) = lambda * u.covariance.middleCols(q * g, q) * lambda.transpose();
    return out;
  }

  int order() const override { return 3; }
  bool one_pass() const override { return true; }

  Value value(const Point& point) override { return Value(sums_.value(point, rule_, ranges_)); }

  void adjoint(const Point& point, Adjoint& out) override { value_and_adjoint(point, out); }

  Value value_and_adjoint(const Point& point, Adjoint& out) override {
    const Index q = sums_.effects(), count = static_cast<Index>(ranges_.size());
    out.eta_bar[0].setZero(data_.rows());
    out.d3_bar.resize(0);
    out.d4_bar.resize(0);
    out.mode_bar.setZero(data_.factors.size());
    out.H_bar.diagonal_values(0).setZero();
    Matrix direct = Matrix::Zero(q, q * count);
    Vector phi_bar(count), values(count);
    sums_.for_ranges(ranges_, [&](Index c, Range range) {
      Adjoints part(*this, point, rule_, out);
      sums_.for_levels(point, rule_, range, part);
      direct.middleCols(q * c, q) = part.all_direct;
      phi_bar[c] = part.all_phi;
      values[c] = part.value;
    });
    out.lambda_bar[0].setZero();
    for (Index c = 0; c < count; ++c) out.lambda_bar[0] += direct.middleCols(q * c, q);
    if (data_.predictor_count() > 1) out.eta_bar[1] = Vector::Constant(1, phi_bar.sum());
    return Value(values.sum());
  }

 private:
  void check(const NodeRule& rule, int fewest) const {
    if (!data_.factors.one_incidence()) throw std::invalid_argument("quadrature needs one grouping factor");
    for (int a = 1; a < data_.predictor_count(); ++a)
      if (a > 1 || !data_.same_for_all(a))
        throw std::invalid_argument("quadrature needs one predictor, and perhaps a dispersion");
    const std::size_t levels = static_cast<std::size_t>(data_.factors[0].levels);
    if (rule.nodes.size() != levels || rule.wide.size() != levels)
      throw std::invalid_argument("a quadrature rule needs a number of nodes for every level");
    for (std::size_t g = 0; g < levels; ++g)
      if (rule.nodes[g] < fewest || (rule.wide[g] && rule.nodes[g] == 1))
        throw std::invalid_argument("a quadrature rule has too few nodes");
  }

  NodeRule placed(const Point& point, NodeRule rule, int fewest) {
    check(rule, fewest);
    if (rule.any_wide()) boxes_.place(point, rule);
    return rule;
  }

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
        : own(own_), point(point_), rule(rule_), out(out_), mode(own.sums_.effects()),
          cross(own.sums_.effects(), own.sums_.effects()), direct(cross),
          all_direct(Matrix::Zero(own.sums_.effects(), own.sums_.effects())) {}

    int order() const { return 1; }

    void start() {
      mode.setZero();
      cross.setZero();
      direct.setZero();
      phi = 0.0;
    }

    void add(const NodeRows::Block& block, const NodeRows& rows, const Vector& weights, double rescale) {
      const Incidence& incidence = own.data_.factors[0].first();
      const Range range = own.data_.rows_of({block.level, block.level + 1});
      const auto d1 = rows.d1(block);
      const auto u = rows.u(block);
      auto eta_bar = out.eta_bar[0].segment(range.begin, range.size());
      eta_bar *= rescale;
      eta_bar.noalias() += d1.lazyProduct(weights);
      const Eigen::Map<const RowMatrix, 0, Eigen::OuterStride<>> Z(
          incidence.Z.row(range.begin), range.size(), incidence.effects(), Eigen::OuterStride<>(incidence.Z.step()));
      score.noalias() = Z.transpose().lazyProduct(d1);
      score *= weights.asDiagonal();
      direct = rescale * direct + score * u.transpose();
      if (own.data_.predictor_count() > 1) phi = rescale * phi + rows.f_phi(block).colwise().sum().dot(weights);
      if (rule.is_wide(block.level)) return;
      x_score.noalias() = own.data_.factors.lambda(0).transpose().lazyProduct(score);
      x_score.noalias() -= u * weights.asDiagonal();
      mode = rescale * mode + x_score.rowwise().sum();
      cross = rescale * cross +
              x_score * own.sums_.grid(rule, block.level).x.middleCols(block.first, block.count).transpose();
    }

    void finish(Index g, const LogSum& sum) {
      const double total = sum.total();
      value += own.sums_.level_value(rule, g, sum);
      const Range range = own.data_.rows_of({g, g + 1});
      out.eta_bar[0].segment(range.begin, range.size()) /= total;
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
    const Matrix C = sums_.inverse_root(g), R = system_.root_level(g), M = C * C_bar.transpose() * C;
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
  NodeSums sums_;
  NodeBoxes boxes_;
  NodeRule rule_;
  std::vector<Range> ranges_;  ///< of levels, for the rule
};

}  // namespace glimmer

#endif
