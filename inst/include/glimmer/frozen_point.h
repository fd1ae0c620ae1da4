// The parameters of a pass of quadrature, and where they stand: outside (beta, theta, coefficients of further
// predictors); inside, where eta is linear in them, theta gives way to the elements of Lambda that move with it.
#ifndef GLIMMER_FROZEN_POINT_H
#define GLIMMER_FROZEN_POINT_H

#include "data.h"
#include "node_kernel.h"

namespace glimmer {

class FrozenPoint {
 public:
  FrozenPoint(const Data& data, const Vector& parameters) : data_(data) {
    const Index expected = data.parameter_count();
    if (parameters.size() != expected)
      throw std::invalid_argument("expected " + std::to_string(expected) + " parameters, got " +
                                  std::to_string(parameters.size()));
    theta_ = parameters.segment(data.X().columns(), data.factors.theta_count());
    for (Index l = 0; l < data.factors.count(); ++l) add_factor(data.factors[l].covariance);
    const Index more = static_cast<Index>(elements_.size()) - data.factors.theta_count();
    for (int a = 0; a < data.predictor_count(); ++a) {
      const Range place = data.predictor(a).beta;
      beta_.push_back(parameters.segment(place.begin, place.size()));
      places_.push_back({place.begin + (a > 0 ? more : 0), place.end + (a > 0 ? more : 0)});
    }
  }

  int predictors() const { return static_cast<int>(beta_.size()); }
  /// Of all factors, a block each.
  const Matrix& lambda() const { return lambda_; }

  /// Inside: the coefficients of a predictor; the elements of Lambda, row and column of each; how many there are.
  Range coefficients(int a) const { return places_[static_cast<std::size_t>(a)]; }
  const std::vector<std::pair<Index, Index>>& elements() const { return elements_; }
  Index first_element() const { return places_[0].end; }
  Index inside() const { return places_.back().end + (predictors() == 1 ? static_cast<Index>(elements_.size()) : 0); }
  Index outside() const { return inside() - slopes_.rows() + slopes_.cols(); }

  /// X beta + offset of ranges of rows, one after the other; of length 1 where it is the same for all.
  Vector fixed_part(int a, const std::vector<Range>& ranges) const {
    const Vector& beta = beta_[static_cast<std::size_t>(a)];
    const Predictor& predictor = data_.predictor(a);
    Vector out(1);
    if (data_.same_for_all(a)) {
      predictor.fixed_part({0, 1}, beta, out.data());
      return out;
    }
    Index size = 0;
    for (Range rows : ranges) size += rows.size();
    out.resize(size);
    double* to = out.data();
    for (Range rows : ranges) {
      predictor.fixed_part(rows, beta, to);
      to += rows.size();
    }
    return out;
  }

  /// The rows of X of a predictor.
  template <class Rows>
  void copy_design(int a, Range rows, Rows&& out) const {
    data_.predictor(a).X.copy_to(rows, out);
  }

  /// Derivatives inside, a column each, as derivatives outside.
  Matrix gradients_outside(const Matrix& inside) const {
    const Index p = first_element(), e = slopes_.rows(), t = slopes_.cols();
    Matrix out(outside(), inside.cols());
    out.topRows(p) = inside.topRows(p);
    out.middleRows(p, t).noalias() = slopes_.transpose() * inside.middleRows(p, e);
    out.bottomRows(out.rows() - p - t) = inside.bottomRows(inside.rows() - p - e);
    return out;
  }

  /// Second derivatives: where Lambda is not linear in theta, the first have a part in them.
  Matrix hessian_outside(const Matrix& inside, const Vector& gradient_inside) const {
    const Matrix half = gradients_outside(inside);
    Matrix out = gradients_outside(half.transpose());
    Matrix lambda_bar = Matrix::Zero(lambda_.rows(), lambda_.cols());
    Matrix curvature = Matrix::Zero(theta_.size(), theta_.size());
    for (std::size_t e = 0; e < elements_.size(); ++e)
      lambda_bar(elements_[e].first, elements_[e].second) = gradient_inside[first_element() + static_cast<Index>(e)];
    for (Index l = 0, first = 0; l < data_.factors.count(); first += data_.factors[l++].effects()) {
      const Index q = data_.factors[l].effects();
      data_.factors[l].covariance.add_curvature(theta_, lambda_bar.block(first, first, q, q), curvature);
    }
    out.block(first_element(), first_element(), theta_.size(), theta_.size()) += curvature;
    out.triangularView<Eigen::StrictlyUpper>() = out.transpose();
    return out;
  }

 private:
  void add_factor(const BlockCovariance& covariance) {
    Matrix own;
    covariance.lambda(theta_, own);
    const Index first = lambda_.rows(), q = first + own.rows();
    lambda_.conservativeResizeLike(Matrix::Zero(q, q));
    lambda_.bottomRightCorner(own.rows(), own.cols()) = own;
    for (const auto& element : covariance.elements())
      elements_.push_back({first + element.first, first + element.second});
    const Matrix slopes = covariance.slopes(theta_);
    slopes_.conservativeResize(slopes_.rows() + slopes.rows(), theta_.size());
    slopes_.bottomRows(slopes.rows()) = slopes;
  }

  const Data& data_;
  Vector theta_;
  std::vector<std::pair<Index, Index>> elements_;
  Matrix lambda_, slopes_;       ///< slopes: of the elements of Lambda in theta
  std::vector<Vector> beta_;     ///< by predictor
  std::vector<Range> places_;    ///< inside
};

}  // namespace glimmer

#endif
