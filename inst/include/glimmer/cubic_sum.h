// The double sum of second order over the points r, s of a component, sum_rs x_r y_s c_rs^3 with c_rs = z_r'K z_s:
// for any structure by the pairs of points, or of the nodes that stand for them.
#ifndef GLIMMER_CUBIC_SUM_H
#define GLIMMER_CUBIC_SUM_H

#include "cubic_nodes.h"

namespace glimmer {

class CubicSum {
 public:
  virtual ~CubicSum() = default;
  /// sum_s x_s c_rs^3 for every point r of the component
  virtual Vector sums(const Matrix& K, const Vector& x) const = 0;
  /// The derivative of sum_rs x_r y_s c_rs^3 in the symmetric K.
  virtual Matrix slope(const Matrix& K, const Vector& x, const Vector& y) const = 0;
  /// About how many operations two sums and a slope are.
  virtual double operations() const = 0;
};

class SumOverPairs : public CubicSum {
 public:
  SumOverPairs(const EffectPoints& points, Range own, const Interrupt& interrupt)
      : points_(points), nodes_(points, own), interrupt_(interrupt) {}

  Vector sums(const Matrix& K, const Vector& x) const override {
    const Vector weights = nodes_.gathered(x);
    Vector out = Vector::Zero(weights.size()), column;
    for (Index s = 0; s < weights.size(); ++s) {
      interrupt_();
      points_.times(K, nodes_[s], column);
      double own = 0.0;
      for (Index r = 0; r < s; ++r) {
        const double c = points_.dot(nodes_[r], column.data()), cube = c * c * c;
        own += weights[r] * cube;
        out[r] += weights[s] * cube;
      }
      const double v = points_.dot(nodes_[s], column.data());
      out[s] += own + weights[s] * v * v * v;
    }
    return nodes_.spread(out, x.size());
  }

  Matrix slope(const Matrix& K, const Vector& x, const Vector& y) const override {
    const Vector first = nodes_.gathered(x), second = nodes_.gathered(y);
    Matrix out = Matrix::Zero(K.rows(), K.cols());
    Vector column, bar;
    for (Index s = 0; s < first.size(); ++s) {
      interrupt_();
      points_.times(K, nodes_[s], column);
      bar.setZero(K.rows());
      for (Index r = 0; r <= s; ++r) {
        const double c = points_.dot(nodes_[r], column.data());
        const double weight = r < s ? first[r] * second[s] + first[s] * second[r] : first[s] * second[s];
        points_.add(nodes_[r], 3.0 * weight * c * c, bar.data());
      }
      for (Index e = 0; e < points_.width(); ++e)
        out.col(points_.effects(nodes_[s])[e]) += points_.z(nodes_[s])[e] * bar;
    }
    return 0.5 * (out + out.transpose());
  }

  double operations() const override {
    const double nodes = static_cast<double>(nodes_.count()), width = static_cast<double>(points_.width());
    return nodes * nodes * (6.0 + 4.0 * width);
  }

 private:
  const EffectPoints& points_;
  const CubicNodes nodes_;
  const Interrupt& interrupt_;
};

}  // namespace glimmer

#endif
