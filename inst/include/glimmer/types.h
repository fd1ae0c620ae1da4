// The few types that every header shares.
#ifndef GLIMMER_TYPES_H
#define GLIMMER_TYPES_H

// Sums run over fixed chunks in a fixed order; Eigen must not thread behind our back.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Dense>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace glimmer {

using Index = Eigen::Index;
using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Integers = std::vector<int>;      ///< levels, row and block numbers
using Positions = std::vector<Index>;   ///< places in long arrays

constexpr double infinity = std::numeric_limits<double>::infinity();

/// How an evaluation ended. Numerical failure is a status, never an exception: the optimiser steps back.
enum class Status {
  ok,
  infeasible,          ///< no start of the mode search has a finite log-density
  mode_not_found,      ///< Newton did not reach a maximum of h(u)
  not_positive_definite,  ///< H with observed weights has no Cholesky factor at the mode
  value_not_finite,
  gradient_not_finite
};

inline const char* describe(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::infeasible: return "infeasible";
    case Status::mode_not_found: return "mode not found";
    case Status::value_not_finite: return "value not finite";
    case Status::gradient_not_finite: return "gradient not finite";
    default: return "not positive definite";
  }
}

/// A half-open range of positions.
struct Range {
  Index begin;
  Index end;
  Index size() const { return end - begin; }
};

}  // namespace glimmer

#endif
