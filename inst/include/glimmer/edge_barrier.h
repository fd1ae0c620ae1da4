// A barrier before the edge of the range that a restricted link allows, for the search along the edge:
//
//   l + mu sum_i t_i log(distance of eta^_i from the edge) ,
//   eta^ at the mode, t_i how often a row and its cluster count.
//
// Where the mode of a level comes to the edge l ends without falling off (all responses of a level of a log-binomial
// model a success), so that a search runs into the end of its domain; as mu goes to zero, the maximiser goes to the
// constrained one, and the barrier costs about mu for each row on the edge (Nocedal and Wright 2006, section 19.6).
#ifndef GLIMMER_EDGE_BARRIER_H
#define GLIMMER_EDGE_BARRIER_H

#include "integral.h"

namespace glimmer {

class EdgeBarrier {
 public:
  explicit EdgeBarrier(const Data& data)
      : data_(data), lower_(data.density->lower_eta(0)), upper_(data.density->upper_eta(0)) {}

  /// Zero: no barrier.
  void set_weight(double mu) { mu_ = bounded() ? mu : 0.0; }

  /// How far each row's eta is from the edge: infinite where the link allows every eta, or the row does not count.
  Vector distances(const Vector& eta) const {
    Vector out = Vector::Constant(eta.size(), infinity);
    for (Index i = 0; i < eta.size(); ++i)
      if (times(i) > 0.0) out[i] = std::min(eta[i] - lower_, upper_ - eta[i]);
    return out;
  }

  /// Whether the link does not allow every linear predictor.
  bool bounded() const { return std::isfinite(lower_) || std::isfinite(upper_); }
  bool active() const { return mu_ > 0.0; }

  double value(const Point& point) const {
    double sum = 0.0;
    if (active())
      for (Index i = 0; i < data_.rows(); ++i)
        if (times(i) > 0.0) sum += mu_ * times(i) * log_distance(point.eta[0][i]);
    return sum;
  }

  /// The barrier depends on eta^ = X beta + Z Lambda u^, and through it on beta, Lambda and the mode.
  void add_adjoint(const Point& point, Adjoint& out) const {
    if (!active()) return;
    Vector slope = Vector::Zero(data_.rows());
    for (Index i = 0; i < data_.rows(); ++i)
      if (times(i) > 0.0) slope[i] = mu_ * times(i) * log_distance_slope(point.eta[0][i]);
    if (out.eta_bar[0].size() == 0) out.eta_bar[0] = point.d1(0);
    out.eta_bar[0] += slope;
    Vector sums;
    level_sums(data_, slope, sums);
    for (Index k = 0; k < data_.factors.count(); ++k) {
      const Index q = data_.factors[k].effects(), levels = data_.factors[k].levels, at = data_.factors.start(k);
      Eigen::Map<const Matrix> own(sums.data() + at, q, levels), u(point.u.data() + at, q, levels);
      out.lambda_bar[k].noalias() += own * u.transpose();
    }
    pull_to_u(data_, sums);
    if (out.mode_bar.size() > 0)
      out.mode_bar += sums;
    else
      out.mode_bar = sums;
  }

 private:
  double times(Index row) const { return data_.responses.times[row] * data_.copies_of(row); }
  double log_distance(double eta) const {
    return (std::isfinite(lower_) ? std::log(eta - lower_) : 0.0) +
           (std::isfinite(upper_) ? std::log(upper_ - eta) : 0.0);
  }
  double log_distance_slope(double eta) const {
    return (std::isfinite(lower_) ? 1.0 / (eta - lower_) : 0.0) - (std::isfinite(upper_) ? 1.0 / (upper_ - eta) : 0.0);
  }

  const Data& data_;
  double lower_, upper_, mu_ = 0.0;
};

}  // namespace glimmer

#endif
