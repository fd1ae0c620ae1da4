// Gauss-Hermite nodes and weights on the line: integral g(x) dx ~ sum_k weight_k g(x_k), for g near exp(-x^2 / 2) in
// size.
#ifndef GLIMMER_GAUSS_HERMITE_H
#define GLIMMER_GAUSS_HERMITE_H

#include <cmath>

#include "special_functions.h"
#include "types.h"

namespace glimmer {

struct LineRule {
  Vector x, log_weight;
};

/// The orthonormal Hermite functions psi_{n-1} and psi_n at z, divided by exp(log_scale):
///   psi_{j+1} = sqrt(2 / (j + 1)) z psi_j - sqrt(j / (j + 1)) psi_{j-1} .
struct HermiteFunctions {
  double last, value, log_scale;

  HermiteFunctions(Index n, double z) : last(0.0), value(1.0), log_scale(-0.5 * z * z - 0.25 * std::log(pi)) {
    for (Index j = 0; j < n; ++j) {
      const double next = (std::sqrt(2.0) * z * value - std::sqrt(static_cast<double>(j)) * last) /
                          std::sqrt(static_cast<double>(j) + 1.0);
      last = value;
      value = next;
      if (std::abs(value) < 1e100) continue;
      last *= 1e-100;
      value *= 1e-100;
      log_scale += 100.0 * std::log(10.0);
    }
  }

  /// psi_n' = sqrt(2 n) psi_{n-1} - z psi_n, on the scale of value
  double derivative(Index n, double z) const { return std::sqrt(2.0 * static_cast<double>(n)) * last - z * value; }
};

/// Gauss-Hermite, for x = sqrt(2) z: the nodes z are eigenvalues of the Jacobi matrix (Golub and Welsch 1969,
/// Mathematics of Computation 23:221), made sharp by Newton's method; the weights, which eigenvectors lose where they
/// are small, are 1 / (n psi_{n-1}(z)^2).
inline LineRule gauss_hermite(Index n) {
  Vector off(std::max<Index>(n - 1, 0));
  for (Index j = 0; j + 1 < n; ++j) off[j] = std::sqrt(0.5 * static_cast<double>(j + 1));
  Eigen::SelfAdjointEigenSolver<Matrix> jacobi;
  jacobi.computeFromTridiagonal(Vector::Zero(n), off, Eigen::EigenvaluesOnly);
  LineRule rule{Vector(n), Vector(n)};
  for (Index k = 0; k < n; ++k) {
    double z = 0.5 * (jacobi.eigenvalues()[k] - jacobi.eigenvalues()[n - 1 - k]);
    for (int step = 0; step < 2; ++step) {
      const HermiteFunctions at(n, z);
      z -= at.value / at.derivative(n, z);
    }
    const HermiteFunctions at(n, z);
    rule.x[k] = std::sqrt(2.0) * z;
    rule.log_weight[k] =
        0.5 * log_2 - std::log(static_cast<double>(n)) - 2.0 * (std::log(std::abs(at.last)) + at.log_scale);
  }
  return rule;
}

}  // namespace glimmer

#endif
