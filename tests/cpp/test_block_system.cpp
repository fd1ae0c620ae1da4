// BlockSystem: factor, solve, log-determinant and inverse on the pattern against dense matrices.
#include <glimmer/block_system.h>
#include <glimmer/row_passes.h>

#include "check.h"
#include "problem.h"

using glimmer::BlockMatrix;
using glimmer::BlockSystem;
using glimmer::Data;
using glimmer::Index;
using glimmer::Matrix;
using glimmer::Vector;

namespace {

/// A = Z Lambda in the core's own order of rows and factors.
Matrix dense_effects(const Data& data) {
  Matrix A = Matrix::Zero(data.rows(), data.factors.size());
  for (Index k = 0; k < data.factors.count(); ++k)
    for (const glimmer::Incidence& x : data.factors[k].incidences)
      for (Index i = 0; i < data.rows(); ++i)
        A.block(i, data.factors.position(k, x.level[static_cast<std::size_t>(i)]), 1, x.effects()) +=
            Eigen::Map<const Eigen::RowVectorXd>(x.Z.row(i), x.effects()) * data.factors.lambda(k);
  return A;
}

/// P in the core's own order of factors.
Matrix dense_precision(const Data& data, const problem::Problem& p) {
  Matrix P = Matrix::Identity(data.factors.size(), data.factors.size());
  for (Index k = 0; k < data.factors.count(); ++k) {
    const Matrix& own = p.factors[static_cast<std::size_t>(data.factors.callers_position(k))].precision;
    const Index q = data.factors[k].effects();
    for (Index a = 0; a < own.rows(); ++a)
      for (Index b = 0; b < own.cols(); ++b)
        P.block(data.factors.position(k, a), data.factors.position(k, b), q, q) = own(a, b) * Matrix::Identity(q, q);
  }
  return P;
}

BlockMatrix products_of(const Data& data, const Vector& w) {
  BlockMatrix products(data.factors, data.pattern);
  for (const glimmer::Range chunk : data.partition.chunks()) glimmer::add_products(data, chunk, {w}, products);
  return products;
}

void inverse_on_pattern(const Data& data, BlockSystem& system, const Matrix& inverse, const std::string& name) {
  BlockMatrix found(data.factors, data.pattern);
  system.inverse(found);
  const double scale = inverse.cwiseAbs().maxCoeff();
  double worst = 0.0;
  for (Index k = 0; k < data.factors.count(); ++k) {
    const Index q = data.factors[k].effects();
    for (Index h = 0; h < data.factors[k].levels; ++h) {
      const Index at = data.factors.position(k, h);
      worst = std::max(worst, (found.diagonal(k, h) - inverse.block(at, at, q, q)).cwiseAbs().maxCoeff());
    }
  }
  check::that(worst <= 1e-12 * scale, name + ": diagonal blocks of the inverse, " + std::to_string(worst / scale));
  worst = 0.0;
  for (Index c = 0; c < data.pattern.count(); ++c) {
    const glimmer::Crossing& x = data.pattern[c];
    for (Index j = 0; j < x.blocks(); ++j) {
      const auto block = found.crossing(c, j);
      const Index row = data.factors.position(x.first, x.level_first[static_cast<std::size_t>(j)]);
      const Index column = data.factors.position(x.second, x.level_second[static_cast<std::size_t>(j)]);
      worst = std::max(worst, (block - inverse.block(row, column, block.rows(), block.cols())).cwiseAbs().maxCoeff());
    }
  }
  check::that(worst <= 1e-12 * scale, name + ": crossing blocks of the inverse, " + std::to_string(worst / scale));
}

void against_dense(const problem::Structure& structure, std::uint64_t seed) {
  const problem::Problem p = problem::make_problem(structure, {"gaussian", "identity", 0.5, 1.0}, seed);
  const std::string name = structure.name;
  Data data({p.y, p.size, p.weight}, glimmer::only_predictor(p.offset, p.X), problem::make_factors(p),
            glimmer::make_density(p.family, p.link));
  data.factors.set_theta(p.theta());
  problem::Random random(seed + 99);
  Vector w(p.rows());
  for (Index i = 0; i < w.size(); ++i) w[i] = 3.0 * random.uniform();
  const Matrix A = dense_effects(data);
  const Matrix P = dense_precision(data, p), H = Matrix(A.transpose() * w.asDiagonal() * A) + P;
  const Eigen::LLT<Matrix> llt(H);

  BlockSystem system(data.factors, data.pattern);
  check::that(system.block_diagonal() == data.factors.separate_levels(), name + ": block diagonal");
  check::that(system.factor(products_of(data, w)), name + ": positive definite");
  double log_determinant = system.log_determinant_rest();
  for (const glimmer::Range chunk : data.partition.chunks()) log_determinant += system.log_determinant(chunk);
  check::close(log_determinant, llt.matrixLLT().diagonal().array().log().sum(), 1e-13, name + ": log-determinant");
  Vector x(A.cols());
  for (Index i = 0; i < x.size(); ++i) x[i] = random.normal();
  const Vector expected = llt.solve(x);
  system.solve(x);
  check::that((x - expected).cwiseAbs().maxCoeff() <= 1e-12 * expected.cwiseAbs().maxCoeff(), name + ": solve");
  const Matrix inverse = llt.solve(Matrix::Identity(A.cols(), A.cols()));
  inverse_on_pattern(data, system, inverse, name);

  // factored again with other weights: nothing of the first is left
  const Vector other = 0.5 * w;
  check::that(system.factor(products_of(data, other)), name + ": factored again");
  const Matrix H2 = Matrix(A.transpose() * other.asDiagonal() * A) + P;
  inverse_on_pattern(data, system, H2.inverse(), name + " again");

  const Vector negative = Vector::Constant(p.rows(), -5.0);
  check::that(!system.factor(products_of(data, negative)), name + ": not positive definite is seen");
  const Vector nan = Vector::Constant(p.rows(), std::nan(""));
  check::that(!system.factor(products_of(data, nan)), name + ": NaN is not positive definite");
}

/// Large enough that each part of the work is done by threads: the same bits as without.
void by_threads(std::uint64_t seed) {
  const problem::Structure structure{"threads", {{400, {1}}, {330, {1}}}, false, 25000, 1};
  const problem::Problem p = problem::make_problem(structure, {"gaussian", "identity", 0.5, 1.0}, seed);
  Data data({p.y, p.size, p.weight}, glimmer::only_predictor(p.offset, p.X), problem::make_factors(p),
            glimmer::make_density(p.family, p.link));
  data.factors.set_theta(p.theta());
  const BlockMatrix products = products_of(data, Vector::Ones(p.rows()));
  BlockMatrix inverse[2] = {BlockMatrix(data.factors, data.pattern), BlockMatrix(data.factors, data.pattern)};
  Vector solution[2];
  for (int threads : {1, 2}) {
    BlockSystem system(data.factors, data.pattern);
    system.set_threads(threads);
    check::that(system.factor(products), "threads: positive definite");
    solution[threads - 1] = Vector::Ones(data.factors.size());
    system.solve(solution[threads - 1]);
    system.inverse(inverse[threads - 1]);
  }
  check::that(solution[0] == solution[1], "threads: solve");
  for (Index k = 0; k < 2; ++k)
    check::that(inverse[0].diagonal_values(k) == inverse[1].diagonal_values(k), "threads: diagonal blocks");
  check::that(inverse[0].crossing_values(0) == inverse[1].crossing_values(0), "threads: crossing blocks");
  Vector product;
  BlockSystem(data.factors, data.pattern).multiply(products, solution[0], product);
  check::that((product - Vector::Ones(product.size())).cwiseAbs().maxCoeff() <= 1e-11, "threads: H x = r");
}

}  // namespace

int main() {
  std::uint64_t seed = 1;
  for (const problem::Structure& structure : problem::structures())
    for (int repeat = 0; repeat < 3; ++repeat) against_dense(structure, seed++);
  // levels without rows, and many more levels of one factor than rows of it
  against_dense({"unused levels", {{40, {2}}, {30, {1}}}, false, 25, 1}, 50);
  against_dense({"unused levels, one factor", {{40, {2}}}, false, 25, 1}, 51);
  against_dense({"unused levels, slopes", {{40, {2}}, {30, {2}}, {20, {1, 2}}}, false, 30, 1}, 53);
  against_dense({"several chunks", {{90, {2}}, {5, {1}}}, false, 4000, 1}, 52);
  against_dense({"a sparse rest", {{150, {1}}, {120, {2}}}, false, 220, 1}, 54);
  against_dense({"three factors, a sparse rest", {{150, {2}}, {60, {1}}, {50, {2}}}, false, 200, 1}, 55);
  by_threads(56);
  return check::finish();
}
